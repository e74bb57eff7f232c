import { type Client, createClient } from './client.ts';
import { measure } from './measure.ts';
import { narrate } from './narrate.ts';
import type { Letter } from './order.ts';
import { seeded } from './random.ts';
import { repeatReruns, replayAct } from './replay.ts';
import type { Scenario } from './scenario/index.ts';
import { type SettleOptions, settle } from './settle.ts';
import { type Comparison, compare } from './table.ts';
import { distinctDeliveries, type RowName, truthOf } from './truth/index.ts';
import type { World } from './world.ts';

/** What the demo tells whoever watches. */
export interface Voice {
  /** A line that stays. */
  say(line: string): void;
  /** Where the replay stands; the next one may take its place. */
  progress(line: string): void;
}

export const silent: Voice = { say: () => undefined, progress: () => undefined };

export interface DemoRun {
  readonly scenario: Scenario;
  readonly world: World;
  /** Where QMOI is, and its master's token. */
  readonly url: string;
  readonly token: string;
  readonly seed: string;
  readonly speed: number;
  readonly voice: Voice;
  /** For everything that an act sets off. */
  readonly rest: SettleOptions;
  /** Told of each act before anything of it is sent. */
  readonly beforeAct?: (index: number) => void;
  /** Rows that may be above the truth. */
  readonly atLeast?: readonly RowName[];
}

/** Replays the scenario against a host that is up, and compares what came of it with what had to. */
export async function runDemo(run: DemoRun): Promise<Comparison> {
  const { scenario, world, voice, speed } = run;
  const client = createClient(run.url, run.token);
  world.target(run.url);
  const random = seeded(run.seed);
  const total = distinctDeliveries(scenario.acts);
  let late: Letter[] = [];
  for (const [index, act] of scenario.acts.entries()) {
    run.beforeAct?.(index);
    const isLast = index === scenario.acts.length - 1;
    const title = `${index + 1}/${scenario.acts.length} ${act.title}`;
    const onSent = (): void => voice.progress(`${title}: ${progressOf(world, total)}`);
    const pace = { random, everyMs: 1000 / speed, onSent };
    const held = await replayAct(world, act, isLast ? late : [], pace);
    late = [...late, ...held];
    await settle(world, client, run.rest);
    await repeatReruns(world, act.runs, pace);
    await settle(world, client, run.rest);
    voice.say(`${title}: ${progressOf(world, total)}`);
    await tell(run, client, index);
  }
  return compare(await measure(world, client), truthOf(scenario), run.atLeast);
}

function progressOf(world: World, total: number): string {
  const delivered = new Set(world.sent().map(({ delivery }) => delivery.id)).size;
  const fixes = world.forges.reduce((sum, forge) => sum + forge.effects.length, 0);
  return `${delivered} of ${total} deliveries, ${fixes} fixes asked for`;
}

async function tell({ scenario, world, voice }: DemoRun, client: Client, act: number): Promise<void> {
  for (const run of scenario.acts[act]?.runs.filter(({ tell }) => tell) ?? []) {
    for (const line of await narrate(run, world, client)) voice.say(`    ${line}`);
  }
}
