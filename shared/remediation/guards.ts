import type { Remediation } from '../model/index.ts';
import { expiry, guardPartition, type Store } from '../store/index.ts';

/** A guard is a fix that lasts: a runner that is kept out of service for a day. Taking it back, or its time, ends it. */

/** Longer than any is looked at after its time. */
const KEPT_DAYS = 2;
const MOST = 200;
const AT_ONCE = 20;

/** Notes that a fix lasts until then, before it does: whoever lists them looks at the fix itself. */
export const noteGuard = (store: Store, { id }: Pick<Remediation, 'id'>, lastsUntil: string): Promise<void> =>
  store.putItem({ pk: guardPartition, sk: id, lastsUntil, expiresAt: expiry(lastsUntil, KEPT_DAYS) });

/** The fixes that last at present, or are being taken back; those whose time is up next come first. */
export async function readGuards(store: Store): Promise<Remediation[]> {
  const noted = (await store.partition(guardPartition))
    .map(({ sk, lastsUntil }) => ({ id: String(sk), lastsUntil: String(lastsUntil) }))
    .sort((a, b) => (a.lastsUntil < b.lastsUntil ? -1 : 1))
    .slice(0, MOST);
  const guards: Remediation[] = [];
  for (let start = 0; start < noted.length; start += AT_ONCE) {
    const some = noted.slice(start, start + AT_ONCE);
    const fixes = await Promise.all(some.map(({ id }) => store.get('remediation', id)));
    guards.push(...fixes.filter((fix) => fix !== undefined));
  }
  return guards.filter(
    ({ status, unchanged }) => (status === 'succeeded' && unchanged !== true) || status === 'rolling-back',
  );
}
