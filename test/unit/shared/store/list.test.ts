import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EntityName, Fact, State } from '../../../../shared/model/index.ts';
import {
  countFailures,
  EXAMINED_PER_PAGE,
  filtersOf,
  ids,
  keyOf,
  type ListQuery,
  listEntities,
  type Page,
  QueryError,
  readListQuery,
  Store,
} from '../../../../shared/store/index.ts';
import { aFailure, aFix, aJob, anIncident, aRun } from '../../../support/items.ts';
import { type TestTable, withTable } from '../../../support/table.ts';

const engine = withTable();
const HOUR = 3_600_000;

const query = (entity: EntityName, text = ''): ListQuery => readListQuery(new URLSearchParams(text), filtersOf(entity));
const idsOf = async (store: Store, entity: EntityName, text = '') =>
  (await listEntities(store, entity, query(entity, text))).items.map((item) => item.id);

/** All pages of a list, one after the other; `between` runs after each. */
async function readThrough(
  store: Store,
  entity: EntityName,
  text: string,
  between: () => Promise<unknown> = async () => {},
): Promise<{ ids: string[]; pages: number[] }> {
  const found: string[] = [];
  const pages: number[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const question: ListQuery = query(entity, cursor === '' ? text : `${text}&cursor=${cursor}`);
    const page: Page<State> = await listEntities(store, entity, question);
    found.push(...page.items.map((item) => item.id));
    pages.push(page.items.length);
    cursor = page.nextCursor;
    await between();
  }
  return { ids: found, pages };
}

async function put(table: TestTable, ...facts: [EntityName, Fact][]): Promise<void> {
  for (const [entity, fact] of facts) {
    await table.store.create(entity, fact as never);
    table.time.now += 10;
  }
}

describe('a list', () => {
  it('is empty without items', async () => {
    const { store } = await engine.fresh();
    expect(await listEntities(store, 'run', query('run'))).toEqual({ items: [], nextCursor: null });
  });

  it('ends with a null cursor exactly at its last item', async () => {
    const table = await engine.fresh();
    await put(table, ...[1, 2, 3, 4].map((n): [EntityName, Fact] => ['run', aRun(`${n}`)]));
    const first = await listEntities(table.store, 'run', query('run', 'limit=2'));
    const second = await listEntities(table.store, 'run', query('run', `limit=2&cursor=${first.nextCursor}`));
    expect(first.items.map((item) => item.id)).toEqual(['github:4:1', 'github:3:1']);
    expect(second.items.map((item) => item.id)).toEqual(['github:2:1', 'github:1:1']);
    expect(second.nextCursor).toBeNull();
  });

  it('has no hidden window of time, and takes `since` in and leaves `until` out', async () => {
    const table = await engine.fresh();
    const { store, time } = table;
    time.now = Date.parse('2026-01-01T00:00:00Z');
    await store.create('incident', anIncident('old'));
    time.now = Date.parse('2029-01-01T00:00:00Z');
    await store.create('incident', anIncident('new'));
    expect(await idsOf(store, 'incident')).toEqual(['new:1', 'old:1']);
    expect(await idsOf(store, 'incident', 'since=2026-01-01T00:00:00Z&until=2029-01-01T00:00:00Z')).toEqual(['old:1']);
    expect(await idsOf(store, 'incident', 'since=2026-01-01T00:00:00.001Z')).toEqual(['new:1']);
    expect(await idsOf(store, 'incident', 'since=2030-01-01T00:00:00Z&until=2029-06-01T00:00:00Z')).toEqual([]);
  });

  it('pages like the whole list sorted, without gaps or doubles, while newer items come in', async () => {
    const item = fc.record({
      hoursLater: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 2, arbitrary: fc.constantFrom(1, 9, 30) },
      ),
      platform: fc.constantFrom('github', 'gitlab'),
      repository: fc.constantFrom('acme/web', 'acme/api'),
      status: fc.constantFrom('failed', 'succeeded', 'running'),
    });
    const questions = [
      '',
      'status=failed',
      'status=failed,running&platform=gitlab',
      'repository=acme/web',
      'repository=acme/api&platform=github',
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.array(item, { maxLength: 40 }),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(...questions),
        async (items, limit, question) => {
          const { store, time } = await engine.fresh();
          const known: { id: string; ls: string; fields: Record<string, string> }[] = [];
          for (const [index, { hoursLater, platform, repository, status }] of items.entries()) {
            time.now += hoursLater * HOUR;
            const fact = aRun(`${index}`, { platform, repository, status: status as 'failed' });
            await store.create('run', fact);
            known.push({ id: fact.id, ls: `${store.now()}|${fact.id}`, fields: { platform, repository, status } });
          }
          const wanted = new URLSearchParams(question);
          const expected = known
            .filter(({ fields }) => [...wanted].every(([name, value]) => value.split(',').includes(fields[name] ?? '')))
            .sort((a, b) => (a.ls < b.ls ? 1 : -1))
            .map(({ id }) => id);
          let newer = 0;
          time.now += 1;
          const { ids: paged, pages } = await readThrough(store, 'run', `${question}&limit=${limit}`, () => {
            time.now += 5 * HOUR;
            return store.create('run', aRun(`newer-${newer++}`, { status: 'failed' }));
          });
          expect(paged).toEqual(expected);
          expect(pages.slice(0, -1).every((size) => size === limit)).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('skips what was deleted between index and item', async () => {
    const table = await engine.fresh();
    await put(table, ['run', aRun('1')], ['run', aRun('2')], ['run', aRun('3')]);
    const client = {
      send: async (command: never) => {
        const answer = (await table.client.send(command)) as { Responses?: Record<string, Record<string, unknown>[]> };
        for (const [name, items] of Object.entries(answer.Responses ?? {})) {
          (answer.Responses ?? {})[name] = items.filter((item) => item.id !== 'github:2:1');
        }
        return answer;
      },
    } as unknown as DynamoDBDocumentClient;
    const store = new Store({ client, tableName: table.tableName, now: () => table.time.now });
    expect((await readThrough(store, 'run', 'limit=1')).ids).toEqual(['github:3:1', 'github:1:1']);
  });

  it('asks again for keys that a batch left unprocessed', async () => {
    const table = await engine.fresh();
    await put(table, ...[1, 2, 3, 4, 5].map((n): [EntityName, Fact] => ['run', aRun(`${n}`)]));
    let batches = 0;
    const client = {
      send: async (command: { input: { RequestItems?: Record<string, { Keys: unknown[] }> } }) => {
        const request = command.input.RequestItems?.[table.tableName];
        if (request === undefined) return table.client.send(command as never);
        batches++;
        const all = request.Keys;
        request.Keys = all.slice(0, 1);
        const answer = (await table.client.send(command as never)) as object;
        const rest = all.slice(1);
        return { ...answer, UnprocessedKeys: rest.length > 0 ? { [table.tableName]: { Keys: rest } } : {} };
      },
    } as unknown as DynamoDBDocumentClient;
    const store = new Store({ client, tableName: table.tableName, now: () => table.time.now });
    expect(await idsOf(store, 'run')).toEqual([5, 4, 3, 2, 1].map((n) => `github:${n}:1`));
    expect(batches).toBe(5);
  });

  it('ends a page early rather than reading on and on for a rare item, and goes on behind it', async () => {
    const table = await engine.fresh();
    const { store, time } = table;
    await put(table, ['runner', { ...aRunner('rare'), status: 'paused' }]);
    for (let start = 0; start < EXAMINED_PER_PAGE + 200; start += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, n) => store.create('runner', aRunner(`${start + n}`))));
      time.now += 1000;
    }
    const first = await listEntities(store, 'runner', query('runner', 'status=paused'));
    expect(first.items).toEqual([]);
    expect(first.nextCursor).not.toBeNull();
    expect((await readThrough(store, 'runner', 'status=paused')).ids).toEqual([aRunner('rare').id]);
  });

  it('crosses any number of days on which nothing is left', async () => {
    const table = await engine.fresh();
    const { store, time } = table;
    const fact = aRunner('first');
    await store.create('runner', fact);
    for (let day = 0; day < 150; day++) {
      time.now += 24 * HOUR;
      const gone = aRunner(`${day}`);
      await store.create('runner', gone);
      await store.deleteItem(keyOf('runner', gone.id));
    }
    const { ids: found, pages } = await readThrough(store, 'runner', '');
    expect(found).toEqual([fact.id]);
    expect(pages.length).toBeGreaterThan(1);
  });

  it('shows an item that its model cannot read, instead of none at all', async () => {
    const table = await engine.fresh();
    await put(table, ['run', aRun('1')], ['run', aRun('2')]);
    const key = keyOf('run', 'github:1:1');
    await table.store.putItem({ ...key, ...(await table.store.getItem(key)), attempt: 'first' });
    expect(await idsOf(table.store, 'run')).toEqual(['github:2:1', 'github:1:1']);
  });
});

const aRunner = (name: string) =>
  ({
    id: ids.runner('github', 'acme', name),
    statusAt: '2026-03-04T05:06:07.000Z',
    origin: 'live',
    platform: 'github',
    externalId: name,
    scope: 'acme',
    status: 'idle',
  }) as const;

describe('a filter by id', () => {
  it('finds runs, jobs and failures of a run, all attempts apart', async () => {
    const table = await engine.fresh();
    const { store } = table;
    await put(
      table,
      ['run', aRun('1')],
      ['run', aRun('1', { attempt: 2 })],
      ['run', aRun('1', { platform: 'gitlab' })],
      ['job', aJob('1', '11')],
      ['job', aJob('1', '12', { attempt: 2 })],
      ['failure', aFailure('1', '11')],
      ['job', aJob('2', '21')],
    );
    expect(await idsOf(store, 'run', 'runId=github:1:2')).toEqual(['github:1:2']);
    expect(await idsOf(store, 'run', 'externalId=1')).toEqual(['gitlab:1:1', 'github:1:2', 'github:1:1']);
    expect(await idsOf(store, 'run', 'externalId=1&platform=github')).toEqual(['github:1:2', 'github:1:1']);
    expect(await idsOf(store, 'job', 'runId=github:1:1')).toEqual(['github:1:job:11']);
    expect(await idsOf(store, 'job', 'runId=github:1:1&runId=github:2:1')).toEqual([
      'github:2:job:21',
      'github:1:job:11',
    ]);
    expect(await idsOf(store, 'job', 'externalId=12')).toEqual(['github:1:job:12']);
    expect(await idsOf(store, 'job', 'jobId=github:1:job:12&status=failed')).toEqual(['github:1:job:12']);
    expect(await idsOf(store, 'failure', 'runId=github:1:1')).toEqual(['github:1:job:11']);
    expect(await idsOf(store, 'failure', 'jobId=github:1:job:11')).toEqual(['github:1:job:11']);
    expect(await idsOf(store, 'failure', 'externalId=11')).toEqual(['github:1:job:11']);
    expect(await idsOf(store, 'run', 'runId=nothing')).toEqual([]);
    expect((await readThrough(store, 'run', 'externalId=1&limit=1')).pages).toEqual([1, 1, 1]);
  });

  it('does not take another spelling of a key for the item', async () => {
    const table = await engine.fresh();
    await put(table, ['run', aRun('1')]);
    expect(await idsOf(table.store, 'run', 'runId=github:1:01')).toEqual([]);
  });

  it('refuses more combinations than it could read', async () => {
    const { store } = await engine.fresh();
    const many = (name: string) => Array.from({ length: 20 }, (_, n) => `${name}=${n}`).join('&');
    await expect(listEntities(store, 'run', query('run', `${many('platform')}&${many('repository')}`))).rejects.toThrow(
      QueryError,
    );
  });
});

describe('a filter by incident', () => {
  it('finds failures, and fixes that are for several incidents by each of them', async () => {
    const table = await engine.fresh();
    const { store } = table;
    await put(
      table,
      ['incident', anIncident('f1')],
      ['incident', anIncident('f2')],
      ['failure', aFailure('1', '11', { incidentId: 'f1:1' })],
      ['failure', aFailure('1', '12', { incidentId: 'f2:1' })],
      ['failure', aFailure('2', '21', { incidentId: 'f2:1' })],
      ['remediation', aFix('1', { incidentIds: ['f1:1', 'f2:1'] })],
      ['remediation', aFix('2', { incidentIds: ['f2:1'], incidentId: 'f2:1' })],
      ['remediation', aFix('3', { incidentIds: ['f3:1'], incidentId: 'f3:1' })],
    );
    expect(await idsOf(store, 'failure', 'incidentId=f2:1')).toEqual(['github:2:job:21', 'github:1:job:12']);
    expect(await idsOf(store, 'remediation', 'incidentId=f1:1')).toEqual(['github:1:rerun-failed-jobs:1']);
    expect((await readThrough(store, 'remediation', 'incidentId=f2:1&limit=1')).ids).toEqual([
      'github:2:rerun-failed-jobs:1',
      'github:1:rerun-failed-jobs:1',
    ]);
    expect(await idsOf(store, 'incident', 'incidentId=f2:1')).toEqual(['f2:1']);
    expect(await idsOf(store, 'incident', 'fingerprint=f1')).toEqual(['f1:1']);
    expect(await countFailures(store, 'f2:1')).toEqual({ failures: 2, runs: 2, complete: true });
  });

  it('finds the fixes of an incident with very many failures', async () => {
    const table = await engine.fresh();
    const { store } = table;
    await put(table, ['remediation', aFix('9')], ['incident', anIncident('f1')]);
    table.time.now += 2 * HOUR;
    for (let n = 0; n < 110; n++) await store.create('failure', aFailure('1', `${n}`, { incidentId: 'f1:1' }));
    await put(table, ['remediation', aFix('1', { incidentIds: ['f0:1', 'f1:1'], incidentId: 'f0:1' })]);
    await put(table, ['remediation', aFix('2', { incidentIds: ['f2:1'], incidentId: 'f2:1' })]);
    expect(await idsOf(store, 'remediation', 'incidentId=f1:1')).toContain('github:1:rerun-failed-jobs:1');
    expect(await idsOf(store, 'remediation', 'incidentId=f1:1')).not.toContain('github:2:rerun-failed-jobs:1');
    expect((await countFailures(store, 'f1:1')).failures).toBe(110);
  });
});
