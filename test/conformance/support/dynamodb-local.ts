/** AWS's own DynamoDB Local, fetched through Maven and run with Java, as the second opinion on the embedded engine. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const VERSION = '3.1.0';
const MAIN = 'software.amazon.dynamodb.services.local.main.ServerRunner';

export interface DynamoDbLocal {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** Why it cannot run here, or undefined when it can. */
export async function whyNoDynamoDbLocal(): Promise<string | undefined> {
  for (const [command, flag] of [
    ['java', '-version'],
    ['mvn', '-version'],
  ] as const) {
    try {
      await run(command, [flag]);
    } catch {
      return `${command} is not installed`;
    }
  }
  return undefined;
}

/** Empty and in memory. The libraries (48 MB) stay in node_modules/.cache for the next time. */
export async function startDynamoDbLocal(): Promise<DynamoDbLocal> {
  const lib = await libraries();
  const port = await freePort();
  const child = spawn(
    'java',
    [
      '-Xmx512m',
      `-Djava.library.path=${lib}`,
      '-cp',
      join(lib, '*'),
      MAIN,
      '-inMemory',
      '-sharedDb',
      '-disableTelemetry',
      '-port',
      `${port}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let words = '';
  const hear = (text: Buffer): void => {
    words = (words + text).slice(-4_000);
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const endWithUs = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', endWithUs);
  const endpoint = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) break;
    const answers = await fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (answers) return { endpoint, stop: () => stop(child, endWithUs) };
    await sleep(100);
  }
  await stop(child, endWithUs);
  throw new Error(`DynamoDB Local did not start: ${words}`);
}

async function stop(child: ChildProcess, endWithUs: () => void): Promise<void> {
  process.off('exit', endWithUs);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

async function libraries(): Promise<string> {
  const lib = join(process.cwd(), 'node_modules', '.cache', 'qmoi', `dynamodb-local-${VERSION}`);
  if (existsSync(lib)) return lib;
  mkdirSync(dirname(lib), { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'qmoi-dynamodb-local-'));
  try {
    writeFileSync(
      join(folder, 'pom.xml'),
      `<project><modelVersion>4.0.0</modelVersion><groupId>qmoi</groupId><artifactId>conformance</artifactId><version>1</version>
<dependencies><dependency><groupId>software.amazon.dynamodb</groupId><artifactId>DynamoDBLocal</artifactId><version>${VERSION}</version></dependency></dependencies></project>`,
    );
    const draft = `${lib}.${process.pid}`;
    await run(
      'mvn',
      ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${draft}`, '-DincludeScope=runtime'],
      {
        cwd: folder,
        timeout: 300_000,
      },
    );
    if (existsSync(lib)) rmSync(draft, { recursive: true });
    else renameSync(draft, lib);
    return lib;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
