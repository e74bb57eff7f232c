import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, LocalStatus } from './client.ts';
import type { World } from './world.ts';

const LOOK_EVERY_MS = 50;

export interface SettleOptions {
  /** Whole milliseconds from now on. */
  readonly withinMs: number;
  /** Says why waiting is of no use any more; undefined while it is. */
  readonly hopeless?: () => string | undefined;
  /** True as long as somebody has more in store for the host. */
  readonly restless?: () => boolean;
}

/**
 * Waits until nothing is under way anywhere: forges idle, then the host idle, and nothing having happened in or to the
 * forges meanwhile, so that neither can have handed work to the other behind this one's back. Throws with what is left.
 */
export async function settle(world: World, client: Client, options: SettleOptions): Promise<void> {
  const { withinMs, hopeless, restless } = options;
  const deadline = performance.now() + withinMs;
  let last: LocalStatus | undefined;
  for (;;) {
    const before = world.activity();
    if (world.pending() === 0 && !restless?.()) {
      last = await client.local();
      if (last?.idle && world.pending() === 0 && world.activity() === before) return;
    }
    const reason = hopeless?.();
    if (reason !== undefined) throw new Error(reason);
    if (performance.now() > deadline) throw new Error(outstanding(world, last, withinMs));
    await sleep(LOOK_EVERY_MS);
  }
}

function outstanding(world: World, local: LocalStatus | undefined, withinMs: number): string {
  const lines = [`not everything was done within ${Math.round(withinMs / 1000)} s:`];
  for (const forge of world.forges) {
    if (forge.pending() > 0) lines.push(`  ${forge.platform}: ${forge.pending()} timers, webhooks or calls under way`);
  }
  if (local === undefined) lines.push('  the host does not answer');
  for (const [what, count] of Object.entries(local?.pending ?? {})) {
    if (count > 0) lines.push(`  the host: ${count} ${what}`);
  }
  for (const { name, visible, inFlight, delayed, nextVisibleAt, consumer } of local?.queues ?? []) {
    if (consumer === null || visible + inFlight + delayed === 0) continue;
    const next = nextVisibleAt === null ? '' : `, the next one at ${nextVisibleAt}`;
    lines.push(`  queue ${name}: ${visible} visible, ${inFlight} in flight, ${delayed} delayed${next}`);
  }
  return lines.join('\n');
}
