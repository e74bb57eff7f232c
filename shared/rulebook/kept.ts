import type { Rule } from '../diagnosis/index.ts';
import { expiry, rulesPartition, type Store } from '../store/index.ts';

/** Rules that were said through the API. */
export interface KeptRule {
  readonly rule: Rule;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

interface Item extends Omit<KeptRule, 'rule'> {
  readonly sk: string;
  /** Absent: it was taken back. */
  readonly rule?: Rule;
}

/** What was taken back goes after some days, so that whoever writes at the same time learns of it. */
const KEEP_REMOVED_DAYS = 7;
export const MAX_KEPT = 200;

const read = async (store: Store): Promise<Item[]> => (await store.partition(rulesPartition)) as unknown as Item[];

export async function keptRules(store: Store): Promise<KeptRule[]> {
  return (await read(store)).flatMap(({ rule, version, createdAt, updatedAt }) =>
    rule === undefined ? [] : [{ rule, version, createdAt, updatedAt }],
  );
}

/** Writes a rule, or takes it back. Undefined: somebody else was faster, or it was not there to take back. */
export async function keepRule(store: Store, id: string, rule: Rule | undefined): Promise<KeptRule | undefined> {
  const key = { pk: rulesPartition, sk: id };
  const known = (await store.getItem(key)) as unknown as Item | undefined;
  if (rule === undefined && known?.rule === undefined) return undefined;
  const now = store.now();
  const next = { version: (known?.version ?? 0) + 1, createdAt: known?.createdAt ?? now, updatedAt: now };
  const item = {
    ...{ ...key, ...next },
    ...(rule === undefined ? { expiresAt: expiry(now, KEEP_REMOVED_DAYS) } : { rule }),
  };
  return (await store.putOver(item, known?.version)) ? { rule: rule ?? (known?.rule as Rule), ...next } : undefined;
}
