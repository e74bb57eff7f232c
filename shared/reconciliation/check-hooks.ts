import type { Source } from '../model/index.ts';
import type { HookDelivery, Hooks } from '../platforms/hooks.ts';
import { PlatformRefusal } from '../platforms/sweeper.ts';
import { ids, type Store } from '../store/index.ts';

/** Platforms keep what they have delivered for some days; GitHub sends again what is no older than three. */
const KEPT_MS = 3 * 24 * 3_600_000;
/** A delivery fails now and then; so many in a row are no accident. */
const IN_A_ROW = 3;

export interface HookReport {
  readonly status: 'active' | 'failing' | 'unhooked';
  readonly reason?: string;
  /** Deliveries that the platform was asked to send again. */
  readonly redelivered: number;
}

/**
 * Looks at the webhooks of a source: whether there are any, whether their platform sends to them and gets through, and has
 * sent again what did not and is not in the ledger.
 */
export async function checkHooks(...args: Parameters<typeof check>): Promise<HookReport> {
  try {
    return await check(...args);
  } catch (error) {
    // To read webhooks takes rights that QMOI can do without.
    if (error instanceof PlatformRefusal) return { status: 'active', redelivered: 0 };
    throw error;
  }
}

async function check(
  store: Store,
  hooks: Hooks,
  source: Source,
  now: number,
  since: string | undefined,
): Promise<HookReport> {
  const { hooks: ours, complete } = await hooks.of(source);
  const [hook] = ours;
  if (hook === undefined) {
    const reason = `no webhook of ${source.repository} leads to QMOI`;
    return complete ? { status: 'unhooked', reason, redelivered: 0 } : { status: 'active', redelivered: 0 };
  }
  // One that works is enough.
  const works = ours.find(({ trouble }) => trouble === undefined) ?? hook;
  const oldest = new Date(now - KEPT_MS).toISOString();
  const back = since === undefined || since < oldest ? oldest : since;
  const deliveries = [...(await hooks.deliveries(works, back))].sort((a, b) =>
    a.at < b.at ? 1 : a.at > b.at ? -1 : 0,
  );
  let redelivered = 0;
  for (const delivery of await lostOf(store, source.platform, deliveries, back)) {
    if (redelivered === hooks.redeliveriesAtOnce) break;
    await hooks.redeliver(works, delivery);
    redelivered++;
  }
  if (works.trouble !== undefined) return { status: 'failing', reason: `its webhook: ${works.trouble}`, redelivered };
  const last = deliveries.slice(0, IN_A_ROW);
  if (last.length === IN_A_ROW && last.every(({ ok }) => !ok)) {
    const reason = `its webhook: the last ${IN_A_ROW} deliveries failed, the newest with "${last[0]?.outcome}"`;
    return { status: 'failing', reason, redelivered };
  }
  return { status: 'active', redelivered };
}

/** Deliveries of which no attempt came through, the oldest first. */
async function lostOf(
  store: Store,
  platform: string,
  deliveries: readonly HookDelivery[],
  since: string,
): Promise<HookDelivery[]> {
  const through = new Set(deliveries.filter(({ ok }) => ok).map(({ externalId }) => externalId));
  const failed = new Map<string, HookDelivery>();
  for (const delivery of deliveries) {
    const { externalId, at, wanted } = delivery;
    if (!wanted || externalId === undefined || at < since || through.has(externalId)) continue;
    failed.set(externalId, delivery);
  }
  const lost: HookDelivery[] = [];
  for (const [externalId, delivery] of failed) {
    // An answer that was lost on its way looks like a failure to the platform.
    if ((await store.get('delivery', ids.delivery(platform, externalId))) === undefined) lost.push(delivery);
  }
  return lost.reverse();
}
