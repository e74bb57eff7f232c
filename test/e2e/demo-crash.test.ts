import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { runDemo, silent } from '../../scripts/demo/demo.ts';
import { freePort, type HostProcess, launchHost } from '../../scripts/demo/host.ts';
import { seeded } from '../../scripts/demo/random.ts';
import { scenario } from '../../scripts/demo/scenario/index.ts';
import { SENDING } from '../../scripts/demo/table.ts';
import { createWorld } from '../../scripts/demo/world.ts';
import { sharedAssembly } from '../support/assembly.ts';

/** Kills in each act, so that every kind of work is struck; the first act has nothing that could be fixed. */
const KILLS = [1, 8, 7, 6, 6];
/** Of them so many at least while a fix is claimed, sent, unknown or not yet proved: the faster the machine, the sooner an act has none left. */
const AMID_FIXES = 15;
/** One in so many strikes a host that is still starting. */
const STARTING = 4;
const WITHIN_MS = 1_500;
const TOTAL = KILLS.reduce((a, b) => a + b);
const SEED = process.env.QMOI_TEST_SEED ?? 'crash';

describe('kill -9 of the host during the replay', () => {
  it(`ends in the same table, ${TOTAL} times at instants of the seed ${SEED}`, {
    timeout: 400_000,
  }, async () => {
    const random = seeded(SEED);
    const dataDir = await mkdtemp(join(tmpdir(), 'qmoi-crash-'));
    const world = await createWorld({ seed: SEED, speed: 60, redeliverEveryMs: 300 });
    const port = await freePort();
    const token = 'the-master-of-the-crash-test';
    const assemblyDir = await sharedAssembly();
    const launch = () => launchHost({ dataDir, port, token, settings: world.settings }, assemblyDir);

    // Slow enough that some are always on their way.
    for (const forge of world.forges) forge.faults.add({ kind: 'slow', ms: 3_000, method: 'POST', times: Infinity });
    const fixes = `http://127.0.0.1:${port}/v1/remediations?status=claimed,executing,unknown,verifying`;
    /** Fixes that were begun and have not ended; as many as last time while nobody answers. */
    let inFlight = 0;
    const look = async (): Promise<number> => {
      const options = { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(1_000) };
      const answer = await fetch(fixes, options).catch(() => undefined);
      if (answer?.ok) inFlight = ((await answer.json()) as { items: unknown[] }).items.length;
      return inFlight;
    };

    const instants: string[] = [];
    let amid = 0;
    let owed = 0;
    let over = false;
    let broken: unknown;
    let host: HostProcess = await launch();
    await host.ready();

    /** Kills and restarts while kills are owed, and leaves the host running otherwise. */
    const killer = (async () => {
      while (!over) {
        if (owed === 0) {
          await sleep(20);
          continue;
        }
        const starting = random.int(1, STARTING) === 1;
        const instant = random.int(1, WITHIN_MS);
        if (!starting) await host.ready();
        await sleep(instant);
        // Not for ever: some acts have nothing that could be fixed.
        for (let wait = 0; !starting && wait < 40 && (await look()) === 0; wait++) await sleep(50);
        await host.kill();
        if (inFlight > 0) amid += 1;
        instants.push(`${instant}${starting ? '*' : ''}`);
        owed -= 1;
        host = await launch();
      }
    })().catch((error: unknown) => {
      broken = error;
    });

    try {
      const { table, differences } = await runDemo({
        scenario,
        world,
        url: host.url,
        token,
        seed: SEED,
        speed: 60,
        voice: silent,
        rest: {
          withinMs: 150_000,
          hopeless: () => (broken === undefined ? undefined : String(broken)),
          restless: () => owed > 0,
        },
        beforeAct: (index) => {
          owed += KILLS[index] ?? 0;
        },
        atLeast: SENDING,
      });
      console.log(table);
      expect(differences).toEqual([]);
      expect(instants.length).toBe(TOTAL);
      expect(amid).toBeGreaterThanOrEqual(AMID_FIXES);
    } finally {
      console.log(
        `killed ${instants.length} times, ${amid} of them amid fixes, ms after it was ready (* started): ${instants.join(' ')}`,
      );
      over = true;
      await killer;
      await host.stop();
      await world.close();
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});
