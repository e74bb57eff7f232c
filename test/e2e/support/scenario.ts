import { expect, vi } from 'vitest';
import { environmentOf, nameOf, ofType, type Template } from '../../infra/support/template.ts';
import { type Client, type Item, until, type World } from '../../support/client.ts';
import {
  type Call,
  checkCalls,
  createForge,
  type Delivery,
  type Forge,
  type ForgeOptions,
  type JobSpec,
  type Platform,
  type RunHandle,
} from '../../support/forges/index.ts';

// Deadlines for what hangs; `until` says first what it waited for.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

/** What both forges' loops have in common, so that one text tests both. */

const FETCH = [
  'Syncing repository: acme/shop',
  'git -c protocol.version=2 fetch --no-tags --prune --depth=1 origin main',
];
export const UNREACHABLE =
  "fatal: unable to access 'https://github.com/acme/shop/': Could not resolve host: github.com";

export const LOGS = {
  /** The network's fault: a rerun helps. */
  transient: [...FETCH, UNREACHABLE, "The process '/usr/bin/git' failed with exit code 128", ''].join('\n'),
  reset: ['curl -fsS https://example.com/tool.tgz', 'curl: (56) Recv failure: Connection reset by peer', ''].join('\n'),
  empty: ['curl -fsS https://example.com/tool.tgz', 'curl: (52) Empty reply from server', ''].join('\n'),
  /** The code's fault: a rerun never helps. */
  deterministic: [
    'npx tsc --noEmit',
    "src/cart.ts(12,5): error TS2322: Type 'string' is not assignable to type 'number'.",
    'Found 1 error in src/cart.ts:12',
    '',
  ].join('\n'),
  /** Nobody knows. */
  unknown: ['./reconcile --all', 'ledger 7 does not balance', ''].join('\n'),
} as const;

export const SECRETS: Record<Platform, Pick<ForgeOptions, 'secret' | 'token'>> = {
  github: { secret: 'github-webhook-secret', token: 'ghp-the-token' },
  gitlab: { secret: 'gitlab-webhook-token', token: 'glpat-the-token' },
};
/** `whsec_` and 32 bytes in base64, as Standard Webhooks wants it. */
export const SIGNING_TOKEN = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

export const openForge = (platform: Platform, options: Partial<ForgeOptions> = {}): Promise<Forge> =>
  createForge({ platform, ...SECRETS[platform], seed: `e2e-${platform}`, ...options });

/** What each platform calls the one fix QMOI knows there. */
export const FIX = {
  github: { action: 'rerun-failed-jobs', effect: 'rerun-failed-jobs' },
  gitlab: { action: 'retry-job', effect: 'retry-job' },
} as const;

/** A pipeline of three jobs of which one, named `name`, fails. */
export function pipeline(name: string, failing: Partial<JobSpec> = {}): { workflow: string; jobs: JobSpec[] } {
  return {
    workflow: 'ci',
    jobs: [
      { name: 'lint', stage: 'check' },
      {
        name,
        stage: 'test',
        outcome: 'failure',
        thenOnRetry: 'success',
        log: LOGS.transient,
        logMissingCalls: 2,
        steps: ['Set up job', { name: `Run ${name}`, fails: true }, 'Complete job'],
        ...failing,
      },
      { name: 'deploy', stage: 'ship', needs: ['lint', name] },
    ],
  };
}

export const writesOf = (calls: readonly Call[]): Call[] => calls.filter(({ method }) => method !== 'GET');

/** GitLab's description is a cut that leaves out projects themselves: https://docs.gitlab.com/api/projects/ */
const LEFT_OUT = /^GET \/api\/v4\/projects\/[^/]+$/;

/** Holds every call QMOI made against the platform's own API description. */
export function expectContractKept(forge: Forge): void {
  expect(forge.calls.filter(({ unknownRoute }) => unknownRoute)).toEqual([]);
  const { violations, uncovered, checked, skipped } = checkCalls(forge.platform, forge.calls);
  const undescribed = uncovered.filter((call) => !LEFT_OUT.test(call));
  expect({ violations, undescribed }).toEqual({ violations: [], undescribed: [] });
  if (skipped === undefined) expect(checked).toBeGreaterThan(0);
}

/** What the API knows of one run of a forge. */
export interface Story {
  runs: Item[];
  jobs: Item[];
  failures: Item[];
  remediations: Item[];
  incidents: Item[];
  notifications: Item[];
}

const byAttempt = (a: Item, b: Item) => Number(a.attempt) - Number(b.attempt);

export async function storyOf(host: Client, platform: Platform, runId: number): Promise<Story> {
  const runs = (await host.list('runs', { platform, externalId: String(runId) })).sort(byAttempt);
  const of = async (resource: 'jobs' | 'failures' | 'remediations') =>
    (await Promise.all(runs.map((run) => host.list(resource, { runId: run.id })))).flat();
  const [jobs, failures, remediations] = [await of('jobs'), await of('failures'), await of('remediations')];
  const ids = [...new Set(failures.flatMap((failure) => (failure.incidentId as string | null) ?? []))];
  const incidents = await Promise.all(ids.map((id) => host.get('incidents', id)));
  const notifications = (await Promise.all(ids.map((incidentId) => host.list('notifications', { incidentId })))).flat();
  const distinct = (items: Item[]) => [...new Map(items.map((item) => [item.id, item])).values()];
  return {
    runs,
    jobs: distinct(jobs).sort(byAttempt),
    failures: distinct(failures).sort(byAttempt),
    remediations: distinct(remediations).sort(byAttempt),
    incidents,
    notifications,
  };
}

/** The run was fixed: one call, proved by what followed, told twice. */
export async function expectFixed(host: Client, forge: Forge, run: Pick<RunHandle, 'id'>, job: string): Promise<Story> {
  const { platform } = forge;
  expect(forge.effects.filter(({ runId }) => runId === run.id)).toMatchObject([
    { kind: FIX[platform].effect, attempt: 2 },
  ]);
  const story = await storyOf(host, platform, run.id);
  expect(story.runs.map(({ attempt, status }) => [attempt, status])).toEqual([
    [1, 'failed'],
    [2, 'succeeded'],
  ]);
  const failed = story.jobs.find(({ name, status }) => name === job && status === 'failed');
  expect(story.failures).toMatchObject([
    {
      status: 'diagnosed',
      platform,
      jobId: failed?.id,
      name: job,
      attempt: 1,
      category: 'network',
      transient: true,
      excerpt: expect.stringContaining(UNREACHABLE),
      resolvedAt: expect.any(String),
    },
  ]);
  expect(story.incidents).toMatchObject([{ status: 'resolved', category: 'network' }]);
  // The episode may have ended while the failure came, which then is in the next one.
  const [fingerprint = ''] = String(story.incidents[0]?.id).split(':');
  const incidentId = expect.stringMatching(`^${fingerprint}:`);
  expect(story.remediations).toMatchObject([
    { status: 'succeeded', platform, action: FIX[platform].action, attempt: 1, incidentId },
  ]);
  return story;
}

/** Nothing was done about the run. */
export async function expectLeftAlone(host: Client, forge: Forge, run: Pick<RunHandle, 'id'>): Promise<Story> {
  expect(forge.effects.filter(({ runId }) => runId === run.id)).toEqual([]);
  const story = await storyOf(host, forge.platform, run.id);
  expect(story.runs.map(({ attempt, status }) => [attempt, status])).toEqual([[1, 'failed']]);
  return story;
}

/** Deliveries of a run by what they report, in the order of `labels`. */
export function pick(run: RunHandle, ...labels: readonly string[]): Delivery[] {
  return labels.map((label) => {
    const found = run.deliveries.find((delivery) => delivery.label.startsWith(label));
    if (!found) throw new Error(`no ${label} among ${run.deliveries.map((delivery) => delivery.label).join(', ')}`);
    return found;
  });
}

export async function sendAll(forge: Forge, deliveries: readonly Delivery[], expected: number[] = [202]) {
  for (const delivery of deliveries) {
    const { status, body } = await forge.send(delivery);
    expect(expected, `${delivery.label}: ${body}`).toContain(status);
  }
}

export const fixedOnce = (forge: Forge, run: Pick<RunHandle, 'id'>): Promise<true> =>
  until(`${forge.platform} is asked to run ${run.id} again`, () =>
    forge.effects.some(({ runId }) => runId === run.id) ? true : undefined,
  );

const PUBLIC_URL = 'https://qmoi.example.com';

/** Edits a template so that the master is asked before anything is done, by messages with links. */
export function approving(template: Template): void {
  for (const { Properties } of ofType(template, 'AWS::Lambda::Function')) {
    const variables = environmentOf(Properties);
    if (nameOf(Properties) === 'notify') variables.PUBLIC_URL = PUBLIC_URL;
    if (nameOf(Properties) !== 'remediate') continue;
    const settings = JSON.parse(String(variables.REMEDIATION)) as object;
    variables.REMEDIATION = JSON.stringify({ ...settings, mode: 'approve' });
  }
}

/** The path of the link by which a message asks the master. */
export const approvalLink = (messages: readonly unknown[]): string | undefined =>
  /https:\/\/qmoi\.example\.com(\/approvals\/\S+)/.exec(JSON.stringify(messages))?.[1]?.split('\\n')[0];

/** Edits a template so that remediation has these settings as well. */
export const withRemediation =
  (more: object) =>
  (template: Template): void => {
    const functions = ofType(template, 'AWS::Lambda::Function').filter(
      ({ Properties }) => nameOf(Properties) === 'remediate',
    );
    for (const { Properties } of functions) {
      const variables = environmentOf(Properties);
      const settings = JSON.parse(String(variables.REMEDIATION)) as object;
      variables.REMEDIATION = JSON.stringify({ ...settings, ...more });
    }
  };

export const withBudgets = (perRepositoryPerHour: number, perHour: number) =>
  withRemediation({ budgets: { perRepositoryPerHour, perHour } });

/** An order that a seed decides. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const mixed = [...items];
  let state = seed >>> 0;
  for (let at = mixed.length - 1; at > 0; at--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (at + 1));
    [mixed[at], mixed[other]] = [mixed[other] as T, mixed[at] as T];
  }
  return mixed;
}

/** The world without what only a new delivery adds: the delivery itself. */
export function withoutArrivals({ deliveries: _, ...rest }: World): World {
  return rest;
}
