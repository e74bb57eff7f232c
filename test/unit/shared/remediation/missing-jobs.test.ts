import { describe, expect, it } from 'vitest';
import { remediateRun } from '../../../../shared/remediation/index.ts';
import { remediationSettings } from '../../../../shared/runtime/remediation-settings.ts';
import { failedRun } from '../../../support/failed-run.ts';
import { FakePlatform } from '../../../support/fake-platform.ts';
import { withTable } from '../../../support/table.ts';

const engine = withTable();
const settings = remediationSettings.parse({});

/** A run whose end overtook the end of its job `build`, and what its platform says has failed in it. */
async function overtaken(failedJobs: readonly string[] | undefined, known: 'queued' | 'running' | 'succeeded') {
  const table = await engine.fresh();
  const fake = new FakePlatform();
  const { runId } = await failedRun(table.store);
  const build = {
    ...{ id: 'fake:1:job:12', runId, externalId: '12', name: 'build', platform: 'fake', repository: 'acme/shop' },
    ...{ attempt: 1, status: known, statusAt: table.store.now(), origin: 'live' as const, steps: [] },
  };
  await table.store.merge('job', build);
  let asked = 0;
  const platform = {
    ...fake.platform,
    client: async () => {
      const client = await fake.platform.client(async () => ({}));
      return (
        client && {
          ...client,
          failedJobs: async () => {
            asked += 1;
            return failedJobs;
          },
        }
      );
    },
  };
  const deps = {
    store: table.store,
    platforms: { fake: platform },
    read: async () => ({}),
    settings,
    now: () => table.time.now,
    owner: 'worker',
  };
  const rest = await remediateRun(runId, deps);
  return { fake, rest, asked, remediation: await table.store.get('remediation', 'fake:1:rerun:1') };
}

describe('a run that ended before the end of one of its jobs is known', () => {
  it.each(['queued', 'running'] as const)('is left alone while that job failed too and is %s here', async (known) => {
    const { fake, rest, remediation } = await overtaken(['11', '12'], known);
    expect(fake.effects).toEqual([]);
    // Its diagnosis will ask again, so nothing is written and nothing is waited for.
    expect(remediation).toBeUndefined();
    expect(rest.again).toBe(false);
  });

  it('is tried again when the platform says that the job did not fail', async () => {
    const { fake } = await overtaken(['11'], 'running');
    expect(fake.effects).toHaveLength(1);
  });

  it('is held while the platform does not say', async () => {
    const { fake, remediation } = await overtaken(undefined, 'running');
    expect(fake.effects).toEqual([]);
    expect(remediation).toMatchObject({ status: 'proposed', reason: expect.stringContaining('does not say') });
    expect(remediation?.wakeAt).toBeDefined();
  });

  it('costs no call once all of its jobs are known to have ended', async () => {
    const { fake, asked } = await overtaken(['11'], 'succeeded');
    expect(asked).toBe(0);
    expect(fake.effects).toHaveLength(1);
  });
});
