import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import {
  type Automation,
  type Control,
  type EntityName,
  machines,
  type Runner,
  type State,
} from '../../shared/model/index.ts';
import { settleControl } from '../../shared/remediation/index.ts';
import { settleRunner } from '../../shared/runners/index.ts';
import { INDEX, type Key, type Store, stateOf, wakePartitions } from '../../shared/store/index.ts';
import { settleAutomation } from '../../shared/tracking/index.ts';

/** An item that stays owed is looked at again after as long as it has been waiting, between these two. */
const SOONEST_MS = 60_000;
const LATEST_MS = 15 * 60_000;
/** Of one shard and sweep; the next sweep takes the rest. */
const MAX_PER_SHARD = 500;

export interface Sweep {
  /** Items that were due and have been sent on. */
  woken: number;
}

/**
 * Sends on whatever is due: each item gets `wokenAt`, which the bus carries as `<entity>.due`. The index only names
 * candidates; the item itself, read consistently, decides. `held`: also the fixes that the master's word held back.
 */
export async function sweep(store: Store, options: { held: boolean }): Promise<Sweep> {
  const now = store.now();
  const horizon = options.held ? new Date(Date.parse(now) + LATEST_MS).toISOString() : now;
  const woken = await Promise.all(wakePartitions().map((shard) => sweepShard(store, shard, now, horizon)));
  return { woken: woken.reduce((sum, count) => sum + count, 0) };
}

async function sweepShard(store: Store, shard: string, now: string, horizon: string): Promise<number> {
  let woken = 0;
  let start: Record<string, unknown> | undefined;
  do {
    const page = await store.client.send(
      new QueryCommand({
        TableName: store.tableName,
        IndexName: INDEX.wake,
        KeyConditionExpression: 'wp = :wp AND wakeAt <= :until',
        ExpressionAttributeValues: { ':wp': shard, ':until': horizon },
        Limit: 100,
        ExclusiveStartKey: start,
      }),
    );
    for (const item of page.Items ?? []) {
      if (await wakeItem(store, { pk: item.pk, sk: item.sk }, now)) woken++;
    }
    start = page.LastEvaluatedKey;
  } while (start !== undefined && woken < MAX_PER_SHARD);
  return woken;
}

async function wakeItem(store: Store, key: Key, now: string): Promise<boolean> {
  const item = await store.getItem(key);
  const entity = item?.entity as EntityName | undefined;
  if (item === undefined || entity === undefined || !(entity in machines)) return false;
  const known = stateOf(entity, item);
  if (entity === 'control') {
    const settled = await settleControl(store, known as Control);
    return settled.status !== known.status;
  }
  if (entity === 'automation') return (await settleAutomation(store, known as Automation)).changed;
  if (entity === 'runner') return (await settleRunner(store, known as Runner)).changed;
  const due = ({ wakeAt, status }: State): boolean =>
    wakeAt !== undefined && (wakeAt <= now || (entity === 'remediation' && status === 'proposed'));
  const { changed } = await store.change<EntityName>(
    entity,
    known.id,
    (state) => (state !== undefined && due(state) ? woken(state, now) : undefined),
    known,
  );
  return changed;
}

function woken(state: State, now: string): State {
  const waited = Date.parse(now) - Date.parse(state.statusAt);
  const next = Date.parse(now) + Math.min(LATEST_MS, Math.max(SOONEST_MS, waited));
  return { ...state, wokenAt: now, wakeAt: new Date(next).toISOString() };
}
