import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { type DiagnoseOptions, type Diagnosis, diagnose, type LogContext } from '../../../shared/diagnosis/index.ts';

/** A log with the truth that its corpus knows about it. */
export interface Log {
  readonly corpus: string;
  /** Path within the corpus. */
  readonly name: string;
  /** Logs of one project resemble each other: they are held out together. */
  readonly project: string;
  readonly bytes: Buffer;
}

export function readLog(path: string): Buffer {
  const bytes = readFileSync(path);
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminal escapes are made of
const ESCAPES = /\u001b\[[0-?]{0,40}[ -/]{0,8}[@-~]/g;

/** As the labels count them: split on CRLF, LF and CR alike, without colours. */
export const linesOf = (bytes: Buffer): string[] =>
  bytes
    .toString('utf8')
    .split(/\r\n|\n|\r/)
    .map((line) => line.replace(ESCAPES, ''));

/** The log in pieces, as a network hands it over. No job name, id or date is given away. */
export async function diagnosed(
  bytes: Buffer,
  options: { platform?: string } & DiagnoseOptions = {},
): Promise<Diagnosis> {
  const context: LogContext = { platform: options.platform ?? 'unknown', jobName: '' };
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 65_536) chunks.push(bytes.subarray(at, at + 65_536));
  const { platform: _, ...rest } = options;
  return diagnose(chunks, context, rest);
}

const chunkLabels = z.array(
  z.object({ log: z.string(), project: z.string(), start_line: z.number(), end_line: z.number(), chunk: z.string() }),
);

export interface Passage extends Log {
  readonly start: number;
  readonly end: number;
}

export function logChunks(data: string): Passage[] {
  const root = join(data, 'logs/logchunks');
  return chunkLabels.parse(JSON.parse(readFileSync(join(root, 'labels.json'), 'utf8'))).map((label) => ({
    corpus: 'LogChunks',
    name: label.log,
    project: label.project,
    bytes: readLog(join(root, label.log)),
    start: label.start_line,
    end: label.end_line,
  }));
}

export interface Pair extends Log {
  readonly green: Buffer;
  readonly truth: ReadonlySet<number>;
}

export function ciDiff(data: string): Pair[] {
  const root = join(data, 'logs/cidiff');
  const cases = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('groundtruth'));
  return cases.sort().map((path) => {
    const folder = join(root, path, '..');
    const log = (name: string): Buffer =>
      readLog(
        existsSync(join(folder, `${name}.log.gz`)) ? join(folder, `${name}.log.gz`) : join(folder, `${name}.log`),
      );
    const truth = new Set<number>();
    for (const [, start, end] of readFileSync(join(root, path), 'utf8').matchAll(/^[EC] (\d+)(?:-(\d+))?/gm))
      for (let line = Number(start); line <= Number(end ?? start); line++) truth.add(line);
    const name = path.replace(/\/groundtruth$/, '');
    return {
      corpus: 'CiDiff',
      name,
      project: name.replace(/_\d+$/, ''),
      bytes: log('fail'),
      green: log('pass'),
      truth,
    };
  });
}

const expectations = z.array(
  z.object({
    log: z.string(),
    repo: z.string().nullable(),
    expected: z.object({ tr_t_failed: z.string().nullish() }).loose(),
  }),
);

export interface Tested extends Log {
  readonly tests: readonly string[];
}

export function bugSwarm(data: string): Tested[] {
  const root = join(data, 'logs/bugswarm');
  return expectations.parse(JSON.parse(readFileSync(join(root, 'expected.json'), 'utf8'))).map((entry) => ({
    corpus: 'BugSwarm',
    name: entry.log,
    project: entry.repo ?? entry.log,
    bytes: readLog(join(root, entry.log)),
    tests: [...new Set((entry.expected.tr_t_failed ?? '').split('#').filter((name) => name !== ''))],
  }));
}

const intermittence = z.array(z.object({ log: z.string(), intermittent: z.number() }));

export interface Judged extends Log {
  readonly intermittent: boolean;
}

export function veloren(data: string): Judged[] {
  const root = join(data, 'logs/veloren');
  return intermittence.parse(JSON.parse(readFileSync(join(root, 'labels.json'), 'utf8'))).map((label) => ({
    corpus: 'Veloren',
    name: label.log,
    project: 'veloren',
    bytes: readLog(join(root, label.log)),
    intermittent: label.intermittent === 1,
  }));
}

export function pytorch(data: string): Log[] {
  const root = join(data, 'logs/pytorch');
  return readdirSync(root)
    .filter((name) => /\.txt(?:\.gz)?$/.test(name))
    .sort()
    .map((name) => ({ corpus: 'PyTorch', name, project: 'pytorch', bytes: readLog(join(root, name)) }));
}
