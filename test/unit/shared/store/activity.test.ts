import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EntityEvent } from '../../../../shared/events/index.ts';
import {
  ACTIVITY_FILTERS,
  activityPartition,
  appendActivity,
  getActivity,
  listActivity,
  QueryError,
  readListQuery,
  type Store,
} from '../../../../shared/store/index.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();

const event = (n: number, more: Partial<EntityEvent['envelope']> = {}): EntityEvent => ({
  type: `${more.entity ?? 'run'}.failed`,
  envelope: {
    id: `run#github:${n}:1@1`,
    entity: 'run',
    key: `github:${n}:1`,
    from: null,
    to: 'failed',
    version: 1,
    at: '2026-03-04T05:00:00.000Z',
    origin: 'live',
    changed: ['status'],
    platform: 'github',
    repository: 'acme/web',
    ...more,
  },
});
const query = (text = '') => readListQuery(new URLSearchParams(text), ACTIVITY_FILTERS);
const keysOf = async (store: Store, text = '') =>
  (await listActivity(store, query(text))).items.map((item) => item.key);

async function readThrough(store: Store, text: string): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page = await listActivity(store, query(cursor === '' ? text : `${text}&cursor=${cursor}`));
    found.push(...page.items.map((item) => item.eventId));
    cursor = page.nextCursor;
  }
  return found;
}

describe('the feed', () => {
  it('shows what happened, newest first, within the times asked for', async () => {
    const { store } = await engine.fresh();
    expect(await listActivity(store, query())).toEqual({ items: [], nextCursor: null });
    await appendActivity(store, [event(1), event(2)], '2026-03-04T23:59:59.000Z');
    await appendActivity(store, [event(3)], '2026-03-05T00:00:01.000Z');
    expect(await keysOf(store)).toEqual(['github:3:1', 'github:2:1', 'github:1:1']);
    expect(await keysOf(store, 'since=2026-03-05T00:00:00Z')).toEqual(['github:3:1']);
    expect(await keysOf(store, 'until=2026-03-05T00:00:00Z')).toEqual(['github:2:1', 'github:1:1']);
    const [first] = (await listActivity(store, query('limit=1'))).items;
    expect(first).toMatchObject({ type: 'run.failed', status: 'failed', createdAt: '2026-03-05T00:00:01.000Z' });
    expect(await getActivity(store, first?.id ?? '')).toEqual(first);
    expect(await getActivity(store, 'nothing')).toBeUndefined();
  });

  it('shows when an event came where its platform gave no time', async () => {
    const { store } = await engine.fresh();
    await appendActivity(store, [event(1, { at: '' })], '2026-03-04T06:00:00.000Z');
    expect((await listActivity(store, query())).items[0]?.at).toBe('2026-03-04T06:00:00.000Z');
  });

  it('filters by entity, type, platform, repository and subject', async () => {
    const { store } = await engine.fresh();
    await appendActivity(store, [
      event(1),
      event(2, { platform: 'gitlab' }),
      event(3, { repository: 'acme/api' }),
      event(4, { entity: 'job' }),
    ]);
    expect(await keysOf(store, 'platform=gitlab')).toEqual(['github:2:1']);
    expect(await keysOf(store, 'repository=acme/api')).toEqual(['github:3:1']);
    expect(await keysOf(store, 'entity=job,incident')).toEqual(['github:4:1']);
    expect(await keysOf(store, 'type=job.failed')).toEqual(['github:4:1']);
    expect(await keysOf(store, 'subject=github:1:1')).toEqual(['github:1:1']);
  });

  it('holds events that come again once', async () => {
    const { store } = await engine.fresh();
    await appendActivity(store, [event(1), event(2)], '2026-03-04T05:06:07.000Z');
    await appendActivity(store, [event(1), event(2)], '2026-03-04T05:06:07.000Z');
    await appendActivity(store, [event(2), event(3)], '2026-03-04T05:06:08.000Z');
    expect(await keysOf(store)).toEqual(['github:3:1', 'github:2:1', 'github:1:1']);
    expect(await listActivity(store, query('limit=3'))).toMatchObject({ nextCursor: null });
    expect(await store.partition(activityPartition('2026-03-04'))).toHaveLength(2);
  });

  it('keeps a large batch in items of less than 64 KB', async () => {
    const { store } = await engine.fresh();
    await appendActivity(
      store,
      Array.from({ length: 300 }, (_, n) => event(n, { cause: 'c'.repeat(500) })),
    );
    const items = await store.partition(activityPartition('2026-03-04'));
    expect(items.length).toBeGreaterThan(2);
    for (const item of items) expect(JSON.stringify(item).length).toBeLessThan(64 * 1024);
    expect(new Set(await readThrough(store, 'limit=200')).size).toBe(300);
  });

  it('pages without gaps or doubles', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ size: fc.integer({ min: 1, max: 9 }), seconds: fc.constantFrom(0, 1, 50_000) }), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom('', 'platform=gitlab'),
        async (batches, limit, question) => {
          const { store, time } = await engine.fresh();
          const expected: string[][] = [];
          let n = 0;
          for (const { size, seconds } of batches) {
            time.now += seconds * 1000 + 1;
            const batch = Array.from({ length: size }, () => event(n++, n % 3 === 0 ? { platform: 'gitlab' } : {}));
            await appendActivity(store, batch);
            const shown = batch.filter(({ envelope }) => question === '' || envelope.platform === 'gitlab');
            expected.unshift(shown.map(({ envelope }) => envelope.id).reverse());
          }
          expect(await readThrough(store, `${question}&limit=${limit}`)).toEqual(expected.flat());
        },
      ),
      { numRuns: 15 },
    );
  });

  it('refuses a cursor that it did not give', async () => {
    const { store } = await engine.fresh();
    await expect(listActivity(store, query('cursor=abc'))).rejects.toThrow(QueryError);
  });
});
