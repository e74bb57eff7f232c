import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureAssembly, type Host, startHost } from './index.ts';
import { watchParent } from './parent-watch.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
// Lambda's time zone. Set before any Date is made.
process.env.TZ = 'UTC';

let host: Host | undefined;
let endingSince: number | undefined;
/** A terminal's Ctrl-C reaches this process twice, directly and through npm; a person's second one takes longer. */
const IMPATIENT_AFTER_MS = 1_500;

async function main(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const { env } = process;
  const port = readPort(env.PORT);
  const dataDir = resolve(env.QMOI_DATA_DIR || '.qmoi');
  const clock = env.QMOI_LOCAL_CLOCK || 'real';
  if (clock !== 'real' && clock !== 'manual') throw new Error('QMOI_LOCAL_CLOCK is "real" or "manual".');
  const chaosSeed = env.QMOI_LOCAL_CHAOS || undefined;

  const assemblyDir =
    env.QMOI_ASSEMBLY_DIR || (await ensureAssembly({ root, folder: join(dataDir, 'assembly'), say: progress }));
  progress('Starting the embedded host …');
  const started = await startHost({
    dataDir,
    assemblyDir,
    host: env.HOST || '127.0.0.1',
    port,
    secrets: env,
    clock,
    warm: true,
    ...(chaosSeed === undefined ? {} : { chaosSeed }),
    ...(env.QMOI_DYNAMODB_ENDPOINT ? { dynamodbEndpoint: env.QMOI_DYNAMODB_ENDPOINT } : {}),
  });
  host = started;
  if (endingSince !== undefined) return;
  if (chaosSeed !== undefined) progress(`Chaos is on, seed ${chaosSeed}.`);
  if (clock === 'manual') progress('The clock stands still; POST /_local/clock moves it.');
  process.stdout.write(`QMOI is ready at ${started.url}\n`);
  const token = started.tokenFile ? `$(cat ${started.tokenFile})` : '$QMOI_MASTER_TOKEN';
  progress(`  Token:    ${started.tokenFile ? `in ${started.tokenFile}` : 'QMOI_MASTER_TOKEN'}`);
  progress(`  Webhooks: ${started.url}/webhooks/github, ${started.url}/webhooks/gitlab`);
  progress(`  Try:      curl -H "Authorization: Bearer ${token}" ${started.url}/v1/incidents`);
  progress(`  Logs:     ${join(started.dataDir, 'logs')}`);
}

function readPort(text: string | undefined): number {
  if (text === undefined || text === '') return 3000;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`PORT is a number from 0 (any free one) to 65535, not "${text}".`);
  }
  return port;
}

function progress(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function end(signal: string): Promise<void> {
  if (endingSince !== undefined) {
    if (signal === 'SIGINT' && performance.now() - endingSince > IMPATIENT_AFTER_MS) process.exit(130);
    return;
  }
  endingSince = performance.now();
  progress(`${signal}: letting running work end …`);
  try {
    await host?.stop();
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}

/** What the operator can mend is said in one sentence; a mistake of the host's own needs its stack. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const ours = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  return ours ? (error.stack ?? error.message) : error.message;
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end(signal));
// A closed terminal or pipe is no reason to die in the middle of a write.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
watchParent(() => process.exit(1));

main().catch((error: unknown) => {
  process.stderr.write(`${describe(error)}\n`);
  process.exit(1);
});
