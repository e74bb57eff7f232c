import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import { type Diagnosis, diagnose as diagnoseLog, readSuccess } from '../../shared/diagnosis/index.ts';
import { type Command, CommandFailure, type Io, UsageError } from '../command.ts';

/** One object a line and file of `--json`. Line numbers are 1-based, lines split on CRLF, LF and CR. */
interface Printed {
  readonly file: string;
  readonly cause: string;
  readonly category: string;
  readonly transient: boolean | null;
  readonly severity: string;
  readonly confidence: number;
  readonly lines: Diagnosis['lines'];
  readonly excerpt: Diagnosis['ranges'];
  readonly tests: readonly string[];
  readonly template: string;
  readonly fingerprint: string;
  readonly bytes: number;
  readonly ms: number;
}

export const diagnose: Command = {
  name: 'diagnose',
  summary: 'why a job failed, from its log',
  usage: `Usage: qmoi diagnose FILE… [--json] [--platform P] [--job NAME] [--success-log FILE]

Says what broke and where it stands in the log. FILE may end in .gz; - reads standard input.
An unknown cause is said to be unknown. Nothing is sent anywhere.

  --json               one JSON object a line and file
  --platform P         github, gitlab, travis, jenkins …
  --job NAME           the job's name, for the fingerprint and for rules about a kind of job
  --success-log FILE   the job's last successful log: what it prints as well explains nothing`,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        platform: { type: 'string' },
        job: { type: 'string' },
        'success-log': { type: 'string' },
      },
    });
    if (positionals.length === 0) throw new UsageError('Which log? Give its file, or - for standard input.');
    const streams = [...positionals, values['success-log']].filter((file) => file === '-');
    if (streams.length > 1) throw new UsageError('Standard input can be read only once.');
    const green = values['success-log'];
    const success = green === undefined ? undefined : await readSuccess(open(green, io));
    const context = { platform: values.platform ?? 'unknown', jobName: values.job ?? '' };
    let failed = false;
    for (const file of positionals) {
      try {
        const started = performance.now();
        const found = await diagnoseLog(open(file, io), context, success ? { success } : {});
        const printed = toPrinted(file, found, performance.now() - started);
        io.out(values.json ? JSON.stringify(printed) : forPeople(printed, found));
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error;
        // One unreadable file keeps the others from nothing.
        io.err(error.message);
        failed = true;
      }
    }
    return failed ? 1 : 0;
  },
};

function open(file: string, io: Io): AsyncIterable<Uint8Array> {
  const source = file === '-' ? io.stdin : createReadStream(resolve(io.cwd, file));
  return guarded(ungzipped(source), file);
}

async function* guarded(source: AsyncIterable<Uint8Array>, file: string): AsyncIterable<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    throw new CommandFailure(`${file === '-' ? 'Standard input' : file} cannot be read: ${reason(error)}.`);
  }
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EISDIR: 'it is a folder',
    EACCES: 'permission is denied',
    Z_BUF_ERROR: 'its compressed data ends too early',
    Z_DATA_ERROR: 'its compressed data is damaged',
  };
  return known[code] ?? (error instanceof Error ? error.message : String(error));
}

/** Unpacks what begins as gzip does, whatever it is called. */
async function* ungzipped(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let ended = false;
  while (head.length < 2 && !ended) {
    const next = await iterator.next();
    if (next.done) ended = true;
    else head = Buffer.concat([head, next.value]);
  }
  const whole = (async function* () {
    yield head;
    if (!ended) yield* { [Symbol.asyncIterator]: () => iterator };
  })();
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    yield* whole;
    return;
  }
  const packed = Readable.from(whole, { objectMode: false });
  const unpacked = createGunzip();
  packed.on('error', (error) => unpacked.destroy(error));
  yield* packed.pipe(unpacked);
}

function toPrinted(file: string, found: Diagnosis, ms: number): Printed {
  const { cause, category, transient, severity, confidence, lines, ranges, tests, template, fingerprint, bytes } =
    found;
  return {
    ...{ file, cause, category, transient, severity, confidence, lines, excerpt: ranges, tests, template, fingerprint },
    ...{ bytes, ms: Math.round(ms * 10) / 10 },
  };
}

const TRANSIENT = new Map<boolean | null, string>([
  [true, 'a rerun may pass'],
  [false, 'a rerun will not help'],
  [null, 'whether a rerun helps is not known'],
]);
const MAX_TESTS = 10;

function forPeople(printed: Printed, { remedy, excerpt }: Diagnosis): string {
  const { file, cause, category, transient, confidence, tests } = printed;
  const places = printed.excerpt.map(({ start, end }) => (start === end ? `${start}` : `${start}–${end}`)).join(', ');
  const more = tests.length > MAX_TESTS ? [`  … and ${tests.length - MAX_TESTS} more`] : [];
  return [
    `${file}: ${cause} (${category}, ${TRANSIENT.get(transient)}, confidence ${confidence})`,
    remedy,
    ...(tests.length > 0
      ? ['', 'Failed tests:', ...tests.slice(0, MAX_TESTS).map((name) => `  ${name}`), ...more]
      : []),
    ...(places === '' ? [] : ['', `Lines ${places}:`, excerpt]),
    '',
  ].join('\n');
}
