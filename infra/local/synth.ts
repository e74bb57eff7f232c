import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Whatever the template and the bundles are made of. */
const INPUTS = ['infra/aws', 'functions', 'shared', 'package-lock.json', 'qmoi.config.yaml', 'cdk.json'];
const STAMP = 'qmoi-inputs';
const SYNTH_TIMEOUT_MS = 120_000;

export interface SynthOptions {
  /** The checkout. */
  readonly root: string;
  /** Where the assembly is kept between starts. */
  readonly folder: string;
  /** The CDK app and everything its output depends on, from `root`; QMOI's own by default. */
  readonly app?: string;
  readonly inputs?: readonly string[];
  say(line: string): void;
}

/** Synthesizes the CDK app unless the assembly at hand was made of the very same inputs. Returns its folder. */
export async function ensureAssembly({
  root,
  folder,
  say,
  app = 'infra/aws/app.ts',
  inputs = INPUTS,
}: SynthOptions): Promise<string> {
  const wanted = hashInputs(root, inputs);
  if (stampOf(folder) === wanted) return folder;
  say('Building the functions and the template (only after a change) …');
  mkdirSync(dirname(folder), { recursive: true });
  const fresh = `${folder}.new-${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  try {
    await runApp(root, app, fresh);
    writeFileSync(join(fresh, STAMP), wanted);
    // Another process may have been quicker with the same, and may run it by now.
    if (stampOf(folder) === wanted) return folder;
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  } catch (error) {
    if (stampOf(folder) !== wanted) throw error;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

function stampOf(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, STAMP), 'utf8');
  } catch {
    return undefined;
  }
}

function hashInputs(root: string, inputs: readonly string[]): string {
  const hash = createHash('sha256').update(process.version.split('.', 1)[0] ?? '');
  const visit = (path: string): void => {
    const full = join(root, path);
    if (!existsSync(full)) return;
    const entries = readEntries(full);
    if (!entries) {
      const content = readFileSync(full);
      hash.update(`${path}\0${content.length}\0`).update(content);
      return;
    }
    for (const name of entries) if (name !== 'node_modules') visit(`${path}/${name}`);
  };
  for (const input of inputs) visit(input);
  return hash.digest('hex');
}

function readEntries(path: string): string[] | undefined {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Runs the app as `cdk synth` would, but for the checks that take longer than everything else together. */
function runApp(root: string, app: string, outdir: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', app], {
      cwd: root,
      env: { ...withoutSecrets(process.env), CDK_OUTDIR: outdir, CDK_VALIDATION: 'false', ...contextOf(root) },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: SYNTH_TIMEOUT_MS,
    });
    const end = (): void => {
      child.kill('SIGKILL');
    };
    process.once('exit', end);
    let said = '';
    const listen = (chunk: Buffer): void => {
      said = (said + chunk.toString('utf8')).slice(-20_000);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      process.off('exit', end);
      if (code === 0) return resolve();
      reject(new Error(`The template could not be built (${signal ?? `exit code ${code}`}):\n${reasonIn(said)}`));
    });
  });
}

/** The command line hands `cdk.json`'s context to the app; without it feature flags would differ from a deploy's. */
function contextOf(root: string): Record<string, string> {
  const file = join(root, 'cdk.json');
  if (!existsSync(file)) return {};
  const { context } = JSON.parse(readFileSync(file, 'utf8')) as { context?: unknown };
  return context === undefined ? {} : { CDK_CONTEXT_JSON: JSON.stringify(context) };
}

function withoutSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('QMOI_')));
}

/** An uncaught error's own words, without the code frame before and the stack after it. */
function reasonIn(output: string): string {
  const lines = output.trimEnd().split('\n');
  const start = lines.findIndex((line) => /^\s*(?:\w*Error|.*: ERROR)\b/.test(line));
  if (start < 0) return lines.slice(-20).join('\n');
  const reason: string[] = [];
  for (const line of lines.slice(start)) {
    if (/^\s+at /.test(line) || line.startsWith('Node.js v')) break;
    reason.push(line);
  }
  return reason.join('\n');
}
