import { setTimeout as sleep } from 'node:timers/promises';
import { type Bucket, refilled } from '../../shared/reconciliation/index.ts';
import { callLimit, type Store } from '../../shared/store/index.ts';

/** Of each platform's API; platforms allow thousands. Half of it may be spent at once. */
const LOGS_PER_HOUR = 120;
const [RACES, WAIT_MS] = [10, 25];

/** A token bucket in the table, shared by all invocations. Not written: there is nothing to decide, or too many do. */
async function change(
  store: Store,
  platform: string,
  now: number,
  decide: (bucket: Bucket) => Bucket | undefined,
): Promise<boolean> {
  const key = callLimit(platform, 'green-logs');
  for (let race = 0; race < RACES; race++) {
    const known = (await store.getItem(key)) as Bucket | undefined;
    const wanted = decide(refilled(known, now, LOGS_PER_HOUR));
    if (wanted === undefined) return false;
    const item = { ...key, ...wanted, version: (known?.version ?? 0) + 1 };
    if (await store.putOver(item, known?.version)) return true;
    await sleep(Math.random() * WAIT_MS);
  }
  return false;
}

/** Takes one call out of the budget. False: none may be made now. */
export async function takeCall(store: Store, platform: string, now: number): Promise<boolean> {
  const forbidden = ({ until }: { until?: unknown } = {}): boolean => Date.parse(String(until)) > now;
  // What the sweeps have learnt of the platform's limits holds here as well.
  if (forbidden(await store.getItem(callLimit(platform)))) return false;
  return change(store, platform, now, (bucket) =>
    bucket.tokens < 1 || forbidden(bucket) ? undefined : { ...bucket, tokens: bucket.tokens - 1 },
  );
}

/** The platform asks to be left alone. */
export async function leaveAlone(store: Store, platform: string, now: number, seconds: number): Promise<void> {
  const until = new Date(now + seconds * 1000).toISOString();
  await change(store, platform, now, (bucket) => ({ ...bucket, until }));
}
