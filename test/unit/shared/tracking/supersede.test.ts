import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DeliveredEvent, type Platform, platforms } from '../../../../shared/platforms/index.ts';
import { Store } from '../../../../shared/store/index.ts';
import { readRun, track } from '../../../../shared/tracking/index.ts';
import { type TestTable, withTable } from '../../../support/table.ts';
import { pipelineHook } from '../platforms/gitlab-payloads.ts';

const engine = withTable();

interface Sent {
  readonly platform: string;
  readonly event: string;
  readonly payload: object;
}
const deliver = (store: Store, { platform, event, payload }: Sent) => {
  const delivered: DeliveredEvent = {
    event,
    body: Buffer.from(JSON.stringify(payload)),
    contentType: 'application/json',
    origin: 'live',
    receivedAt: '2026-01-01T00:00:00.000Z',
  };
  const adapter = platforms[platform] as Platform;
  return track(store, adapter, adapter.normalise(delivered));
};

const workflowRun = (id: number, fields: object = {}, repository = 'acme/shop'): Sent => ({
  platform: 'github',
  event: 'workflow_run',
  payload: {
    action: 'requested',
    repository: { id: 7, full_name: repository },
    workflow: { name: 'CI', path: '.github/workflows/ci.yml' },
    workflow_run: {
      id,
      workflow_id: 9,
      run_attempt: 1,
      event: 'push',
      head_branch: 'main',
      head_sha: 'abc',
      head_repository: { id: 7 },
      created_at: '2026-01-01T10:00:00Z',
      run_started_at: '2026-01-01T10:00:00Z',
      updated_at: '2026-01-01T10:00:00Z',
      status: 'queued',
      conclusion: null,
      ...fields,
    },
  },
});
const pipeline = (id: number, fields: object = {}, more: object = {}): Sent => ({
  platform: 'gitlab',
  event: 'Pipeline Hook',
  payload: {
    ...pipelineHook({ id, source: 'push', status: 'pending', finished_at: null, ...fields }, []),
    ...more,
  },
});

const supersededBy = async (store: Store, id: string): Promise<Record<string, string | undefined>> =>
  Object.fromEntries((await readRun(store, id)).runs.map((run) => [run.id, run.supersededBy]));
const all = async (table: TestTable, ids: readonly string[]) =>
  Object.assign({}, ...(await Promise.all(ids.map((id) => supersededBy(table.store, id)))));

describe('a run is superseded by the next one of its line', () => {
  const runs = [
    workflowRun(99),
    workflowRun(100),
    workflowRun(100, { run_attempt: 2, run_started_at: '2026-01-01T10:30:00Z' }),
    workflowRun(101),
    workflowRun(1000),
    pipeline(31),
    pipeline(31, { status: 'failed', finished_at: '2026-01-01 10:05:00 UTC' }),
    pipeline(32),
    pipeline(40),
  ];
  const expected = {
    'github:99:1': 'github:100:1',
    'github:100:1': 'github:101:1',
    'github:100:2': 'github:101:1',
    'github:101:1': 'github:1000:1',
    'github:1000:1': undefined,
    'gitlab:31:1': 'gitlab:32:1',
    'gitlab:32:1': 'gitlab:40:1',
    'gitlab:40:1': undefined,
  };
  const ids = ['github:99', 'github:100', 'github:101', 'github:1000', 'gitlab:31', 'gitlab:32', 'gitlab:40'];

  it('in whatever order, however often and by however many at once they are heard of', async () => {
    const order = fc.shuffledSubarray([...runs, ...runs], { minLength: 2 * runs.length });
    await fc.assert(
      fc.asyncProperty(order, fc.boolean(), async (sent, atOnce) => {
        const table = await engine.fresh();
        const other = new Store({ client: table.client, tableName: table.tableName, now: () => table.time.now });
        const stores = [table.store, other];
        if (atOnce) {
          await Promise.all(sent.map((each, index) => deliver(stores[index % 2] as Store, each)));
        } else {
          for (const [index, each] of sent.entries()) await deliver(stores[index % 2] as Store, each);
        }
        expect(await all(table, ids)).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });
});

describe('a run is not superseded by one', () => {
  it.each([
    ['of another branch', workflowRun(2, { head_branch: 'next' })],
    ['of another workflow', workflowRun(2, { workflow_id: 10 })],
    ['of another event', workflowRun(2, { event: 'pull_request' })],
    ['of a fork with a branch of that name', workflowRun(2, { head_repository: { id: 8 } })],
    ['that is an earlier run', workflowRun(1, { run_attempt: 2 })],
  ])('%s', async (_, other) => {
    const { store } = await engine.fresh();
    await deliver(store, workflowRun(1));
    await deliver(store, other);
    expect((await supersededBy(store, 'github:1'))['github:1:1']).toBeUndefined();
  });

  it.each([
    ['a dispatch', [1, 2].map((id) => workflowRun(id, { event: 'workflow_dispatch' })), 'github:1'],
    ['a comment', [1, 2].map((id) => workflowRun(id, { event: 'issue_comment' })), 'github:1'],
    ['a schedule of a project', [31, 32].map((id) => pipeline(id, { source: 'schedule' })), 'gitlab:31'],
    ['a child pipeline', [31, 32].map((id) => pipeline(id, { source: 'parent_pipeline' })), 'gitlab:31'],
    [
      'another merge request',
      [31, 32].map((id) => pipeline(id, { source: 'merge_request_event' }, { merge_request: { id } })),
      'gitlab:31',
    ],
  ])('where each was asked for by itself: %s', async (_, sent, id) => {
    const { store } = await engine.fresh();
    for (const each of sent) await deliver(store, each);
    expect(Object.values(await supersededBy(store, id))).toEqual([undefined]);
  });

  it('but is by one of the same merge request', async () => {
    const { store } = await engine.fresh();
    for (const id of [31, 32]) {
      await deliver(
        store,
        pipeline(id, { source: 'merge_request_event', ref: `r${id}` }, { merge_request: { id: 5 } }),
      );
    }
    expect(await supersededBy(store, 'gitlab:31')).toEqual({ 'gitlab:31:1': 'gitlab:32:1' });
  });
});
