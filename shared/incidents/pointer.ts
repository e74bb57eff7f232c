import { incidentPointer, type Store } from '../store/index.ts';

/** What the newest episode of a fingerprint is, and where the master has sent its failures instead. */
export interface Pointer {
  readonly episode?: number;
  /** The fingerprint whose incidents take these failures as well (a merge). */
  readonly aliasOf?: string;
  /** By `<platform>/<repository>`: the fingerprint that takes the failures from there (a split). */
  readonly parts?: Readonly<Record<string, string>>;
  /** Of this item; every write checks it. */
  readonly revision?: number;
}

/** A merge of a merge of a merge … the master has long given up by then. */
const MAX_HOPS = 16;

export async function readPointer(store: Store, fingerprint: string): Promise<Pointer | undefined> {
  return (await store.getItem(incidentPointer(fingerprint))) as Pointer | undefined;
}

/** A fingerprint, and its pointer. */
export interface Followed {
  readonly fingerprint: string;
  readonly pointer: Pointer | undefined;
}

/** The fingerprint whose incidents take a failure of `fingerprint` at a place, after all merges and splits. */
export async function follow(store: Store, fingerprint: string, place?: string): Promise<Followed> {
  let at = fingerprint;
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    const pointer = await readPointer(store, at);
    const next = (place === undefined ? undefined : pointer?.parts?.[place]) ?? pointer?.aliasOf;
    if (next === undefined) return { fingerprint: at, pointer };
    at = next;
  }
  throw new Error(`the merges of ${fingerprint} lead nowhere`);
}

/** Writes a pointer that was read as `before`. False: someone else was faster. */
export async function writePointer(
  store: Store,
  fingerprint: string,
  before: Pointer | undefined,
  after: Omit<Pointer, 'revision'>,
): Promise<boolean> {
  const revision = before?.revision ?? 0;
  const item = { ...incidentPointer(fingerprint), ...after, revision: revision + 1 };
  if (before === undefined) return store.putNew(item);
  return store.putIf(
    item,
    before.revision === undefined
      ? { ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(revision)' }
      : { ConditionExpression: 'revision = :revision', ExpressionAttributeValues: { ':revision': revision } },
  );
}

/** A pointer without what belongs to its item alone. */
export const contentOf = ({ episode, aliasOf, parts }: Pointer): Omit<Pointer, 'revision'> => ({
  ...(episode !== undefined && { episode }),
  ...(aliasOf !== undefined && { aliasOf }),
  ...(parts !== undefined && { parts }),
});
