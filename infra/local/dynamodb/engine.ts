/** The embedded engine, kept running: started on a prepared file, started again should it die under the host. */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { prepareFile } from './engine-file.ts';
import { awaitLeftover, ENGINE_VERSION, type EngineProcess, findEngine, startEngine } from './engine-process.ts';

/** An engine that dies this often within a minute is broken for good; calls then fail until the host is restarted. */
const RESTARTS_A_MINUTE = 5;

export interface Engine {
  /** Where it answers; waits while it is being restarted. */
  origin(): Promise<string>;
  close(): Promise<void>;
}

export async function openEngine(dataDir: string): Promise<Engine> {
  const binary = findEngine();
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = resolve(dataDir, 'dynamodb.db');
  await awaitLeftover(binary, file);
  await awaitLeftover(binary, `${file}.new`);
  await prepareFile(binary, file);

  let closing = false;
  let deaths: number[] = [];
  const start = async (): Promise<EngineProcess> => {
    const engine = await startEngine(binary, file);
    void engine.exited.then((words) => {
      if (closing) return;
      process.stderr.write(`The embedded DynamoDB engine ended: ${words.trim().replaceAll('\n', '; ')}\n`);
      deaths = [...deaths.filter((at) => at > performance.now() - 60_000), performance.now()];
      running =
        deaths.length > RESTARTS_A_MINUTE
          ? Promise.reject(new Error(`The embedded DynamoDB engine keeps ending: ${words.trim()}`))
          : start();
      running.catch(() => {});
    });
    return engine;
  };
  let running = start();
  const first = await running;
  await assertVersion(first);
  return {
    origin: async () => (await running).origin,
    async close() {
      closing = true;
      const engine = await running.catch(() => undefined);
      await engine?.stop();
    },
  };
}

async function assertVersion(engine: EngineProcess): Promise<void> {
  const version = (await fetch(engine.origin)).headers.get('x-dynoxide-version');
  if (version === ENGINE_VERSION) return;
  await engine.stop();
  throw new Error(
    `The embedded DynamoDB engine is version ${version}, but index and trim of its stream rest on ${ENGINE_VERSION}. Run: npm ci`,
  );
}
