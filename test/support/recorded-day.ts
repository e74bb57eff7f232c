import { createForge, type Delivery, type Forge, manualClock, type Platform, type RunHandle } from './forges/index.ts';

/** A day of CI on fakes of GitHub and GitLab, as their webhooks tell it: reruns, retries, runs that overtake each other. */

export interface Told extends Pick<Delivery, 'event' | 'body' | 'label'> {
  readonly platform: Platform;
  readonly contentType: string;
  /** The run it is of, with all its attempts. */
  readonly run: string;
}

const TOKEN = 'of-the-day';
const START = Date.parse('2026-03-04T06:00:00.000Z');
const HOUR_MS = 3_600_000;

export async function recordDay(): Promise<Told[]> {
  return [...(await recordAt('github')), ...(await recordAt('gitlab'))];
}

async function recordAt(platform: Platform): Promise<Told[]> {
  const clock = manualClock(START);
  // Nobody listens there: what is sent is taken from the forge itself.
  const forge = await createForge({
    platform,
    clock,
    speed: 1,
    seed: 'a day',
    token: TOKEN,
    secret: 'unread',
    webhookUrl: 'http://127.0.0.1:9',
  });
  try {
    const told: Told[] = [];
    const shop = forge.repository('acme/shop');
    const keep = (run: RunHandle) => {
      for (const { event, body, label, headers } of run.deliveries) {
        const contentType = headers['content-type'] ?? 'application/json';
        told.push({ platform, event, body, label, contentType, run: `${platform}:${run.id}` });
      }
    };
    const play = async (spec: Parameters<typeof shop.run>[0], retries = 0): Promise<void> => {
      clock.advance(HOUR_MS);
      const run = shop.run(spec);
      run.record();
      for (let retry = 0; retry < retries; retry++) {
        clock.advance(HOUR_MS / 4);
        await tryAgain(forge, 'acme/shop', run);
        clock.advance(HOUR_MS / 2);
      }
      keep(run);
    };
    // Both forges have the same repository: its workflow is one on both.
    const commit = (number: number) => ({ commit: String(number).repeat(40) });
    const green = {
      workflow: 'ci',
      jobs: [
        { name: 'lint', stage: 'check' },
        { name: 'test', stage: 'test' },
      ],
    };
    await play({ ...green, ...commit(1) });
    // A retry that does not help, and one that does.
    const flaky = { name: 'test', stage: 'test', outcome: 'failure', thenOnRetry: ['failure', 'success'] } as const;
    const deploy = { name: 'deploy', stage: 'ship', needs: ['test'] };
    await play({ workflow: 'ci', jobs: [{ name: 'lint', stage: 'check' }, flaky, deploy] }, 2);
    await play({ workflow: 'ci', jobs: [{ name: 'test', outcome: 'failure' }], ...commit(2) });
    await play({ workflow: 'nightly', event: 'schedule', jobs: [{ name: 'build', outcome: 'cancelled' }] });
    await play({ workflow: 'nightly', event: 'schedule', jobs: [{ name: 'build' }] });
    await play({ ...green, branch: 'feature' });
    return told;
  } finally {
    await forge.close();
  }
}

async function tryAgain(forge: Forge, repository: string, run: RunHandle): Promise<void> {
  const failed = run.jobs.find(({ conclusion }) => conclusion === 'failure');
  const path =
    forge.platform === 'github'
      ? `/repos/${repository}/actions/runs/${run.id}/rerun-failed-jobs`
      : `/api/v4/projects/${encodeURIComponent(repository)}/jobs/${failed?.id}/retry`;
  const answer = await fetch(forge.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'user-agent': 'QMOI', accept: 'application/vnd.github+json' },
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
}
