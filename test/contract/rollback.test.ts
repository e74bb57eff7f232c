import { describe, expect, it } from 'vitest';
import { actions } from '../../shared/platforms/actions.ts';
import { type ActionRequest, platforms } from '../../shared/platforms/index.ts';
import { parametersOf } from '../support/contract/kept.ts';
import { createForge } from '../support/forges/index.ts';
import { fakeHub } from '../support/huggingface.ts';
import { fakeVercel } from '../support/vercel.ts';

/** A platform's stateful fake with something on it for every action that can be taken back. */
interface World {
  readonly settings: Readonly<Record<string, string>>;
  /** Everything that such actions may change. */
  state(): unknown;
  /** Lets whatever was set off come to its end. */
  settle?(): void;
  readonly parameters: Readonly<Record<string, NonNullable<ActionRequest['parameters']>>>;
  /** What has to be so before an action: others, done first. */
  readonly first?: Readonly<Record<string, string>>;
  readonly request: Pick<ActionRequest, 'repository' | 'repositoryId' | 'externalId' | 'runId'>;
  close(): Promise<void>;
}

const issue = { title: 'A runner is broken', body: 'It is out of disk.', key: 'incident-1' };
const comment = { issue: '1', body: 'It happened again.' };
const issues = {
  ...{ 'open-issue': issue, 'close-issue': issue, 'reopen-issue': issue },
  ...{ 'comment-issue': comment, 'delete-comment': comment },
};
/** An issue can only be closed once it was opened, and so on. */
const first = { 'close-issue': 'open-issue', 'reopen-issue': 'close-issue', 'delete-comment': 'comment-issue' };

async function forge(platform: 'github' | 'gitlab') {
  const made = await createForge({ platform, webhookUrl: 'http://127.0.0.1:1', secret: 's', token: 't', seed: 3 });
  const { id, fullName } = made.repository('acme/shop');
  const request = { repository: fullName, repositoryId: String(id), externalId: '9', runId: `${platform}:5:1` };
  const title = 'Somebody else’s';
  made.resources.add('issues', fullName, { number: 1, iid: 1, title, body: '', description: '', state: 'open' });
  return { made, fullName, world: { settings: made.settings, request, first, close: () => made.close() } };
}

const WORLDS: Readonly<Record<string, () => Promise<World>>> = {
  async github() {
    const { made, fullName, world } = await forge('github');
    for (const [name, state] of [
      ['stopped', 'disabled_manually'],
      ['running', 'active'],
    ] as const) {
      made.resources.add('workflows', fullName, { path: `.github/workflows/${name}.yml`, state });
    }
    const parameters = {
      ...issues,
      'enable-workflow': { workflow: 'stopped.yml' },
      'disable-workflow': { workflow: 'running.yml' },
    };
    return { ...world, parameters, state: () => made.resources.state() };
  },
  async gitlab() {
    const { made, fullName, world } = await forge('gitlab');
    const [at, off] = [true, false].map((paused) =>
      made.resources.add('runners', undefined, { paused, status: 'online' }),
    );
    const [on, out] = [true, false].map((active) =>
      made.resources.add('schedules', fullName, { active, cron: '0 3 * * *' }),
    );
    const parameters = {
      ...issues,
      ...{ 'pause-runner': { runner: off?.id ?? 0 }, 'resume-runner': { runner: at?.id ?? 0 } },
      ...{ 'activate-schedule': { schedule: out?.id ?? 0 }, 'deactivate-schedule': { schedule: on?.id ?? 0 } },
    };
    return { ...world, parameters, state: () => made.resources.state() };
  },
  async vercel() {
    const fake = await fakeVercel({ token: 't', secret: 's', team: 'team_a' });
    fake.production.project('prj_1', 'dpl_7');
    const deployment = { deployment: 'dpl_8' };
    return {
      settings: fake.settings,
      request: { repository: 'acme/shop', repositoryId: 'team_a/prj_1', externalId: 'dpl_7', runId: 'vercel:dpl_7:1' },
      parameters: { promote: deployment, 'instant-rollback': deployment, 'restore-production': deployment },
      first: { 'restore-production': 'promote' },
      state: () => fake.production.state(),
      close: () => fake.close(),
    };
  },
  async huggingface() {
    const fake = await fakeHub({ token: 't', secret: 's' });
    fake.spaces.set('acme/demo', { stage: 'RUNNING', head: 'abc' });
    return {
      settings: fake.settings,
      request: { repository: 'acme/demo', externalId: 'acme/demo@abc', runId: 'huggingface:1:1' },
      parameters: { 'pause-space': {}, 'resume-space': {} },
      first: { 'resume-space': 'pause-space' },
      state: () => structuredClone([...fake.spaces]),
      settle: () => fake.settle(),
      close: () => fake.close(),
    };
  },
};

const reversible = (platform: string) =>
  Object.entries(actions[platform] ?? {}).flatMap(([name, { inverse }]) =>
    inverse === undefined ? [] : [{ name, inverse }],
  );

it('every platform with actions that can be taken back is here', () => {
  expect(Object.keys(WORLDS).sort()).toEqual(
    Object.keys(actions)
      .filter((platform) => reversible(platform).length > 0)
      .sort(),
  );
});

describe.each(Object.entries(WORLDS))('%s, after a fix that is taken back,', (platform, open) => {
  it.each(reversible(platform))('is as it was before $name', async ({ name, inverse }) => {
    const world = await open();
    try {
      const client = await platforms[platform]?.client(parametersOf(world.settings));
      if (client === undefined) throw new Error('no client');
      const parameters = world.parameters[name];
      if (parameters === undefined) throw new Error(`nothing to try ${name} on`);
      const request = { ...world.request, attempt: 1, subject: world.request.runId, parameters };
      const does = async (action: string) => {
        const outcome = await client.act({ ...request, action });
        expect(outcome, action).toMatchObject({ kind: 'done' });
        expect(outcome, action).not.toHaveProperty('unchanged');
        expect(await client.lookUp({ ...request, action }), action).toBe('happened');
        world.settle?.();
      };
      const needs = (action: string): string[] => {
        const needed = world.first?.[action];
        return needed === undefined ? [] : [...needs(needed), needed];
      };
      for (const needed of needs(name)) await does(needed);
      const before = world.state();

      await does(name);
      const changed = world.state();
      expect(changed).not.toEqual(before);
      expect(await client.act({ ...request, action: name })).toMatchObject({ kind: 'done', unchanged: true });
      expect(world.state()).toEqual(changed);

      await does(inverse);
      expect(withoutIds(world.state())).toEqual(withoutIds(before));
      expect(await client.act({ ...request, action: inverse })).toMatchObject({ kind: 'done', unchanged: true });
      expect(withoutIds(world.state())).toEqual(withoutIds(before));
    } finally {
      await world.close();
    }
  });
});

/** What was deleted and made again has another id. */
const withoutIds = (state: unknown): unknown =>
  JSON.parse(JSON.stringify(state, (key, value: unknown) => (key === 'id' ? undefined : value)));
