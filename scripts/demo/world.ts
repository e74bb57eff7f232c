import {
  createForge,
  type Delivery,
  type Forge,
  type RunHandle,
  type SendResult,
} from '../../test/support/forges/index.ts';
import type { Letter } from './order.ts';
import type { PlannedRun, Stray } from './scenario/index.ts';
import { strayOf } from './strays.ts';

export interface WorldOptions {
  readonly seed: string;
  /** Seconds of CI per second. */
  readonly speed: number;
  /** A delivery that got no answer is sent again after this long. */
  readonly redeliverEveryMs: number;
}

/** Both forges, and what happens in them. */
export interface World {
  readonly forges: readonly Forge[];
  /** The settings that point QMOI at the forges. */
  readonly settings: Readonly<Record<string, string>>;
  /** Where QMOI takes webhooks. */
  target(url: string): void;
  /** Lets the first attempt of a run have happened up to now. */
  happen(run: PlannedRun): { handle: RunHandle; letters: Letter[] };
  stray(kind: Stray): Letter;
  send(letter: Letter): Promise<SendResult>;
  /** Answers so far, of whatever was sent by whom. */
  sent(): SendResult[];
  /** The key of the run that a platform knows by this id. */
  keyOf(platform: string, externalId: string): string | undefined;
  runOf(key: string): RunHandle | undefined;
  /** Grows with everything that happens in or to the forges. */
  activity(): number;
  /** Timers, webhooks and calls under way. */
  pending(): number;
  close(): Promise<void>;
}

const SECRET = 'the-secret-of-the-demo';
const REPOSITORY_OF_STRAYS = { github: 'acme/shop', gitlab: 'platform/api' } as const;

export async function createWorld({ seed, speed, redeliverEveryMs }: WorldOptions): Promise<World> {
  const common = { speed, redeliverEveryMs };
  const github = await createForge({
    ...common,
    platform: 'github',
    token: 'ghp_demo',
    secret: SECRET,
    seed: `${seed}/github`,
  });
  const gitlab = await createForge({
    ...common,
    platform: 'gitlab',
    token: 'glpat-demo',
    secret: SECRET,
    seed: `${seed}/gitlab`,
  });
  const forges = { github, gitlab };
  const all = [github, gitlab];
  const keys = new Map<string, string>();
  const handles = new Map<string, RunHandle>();
  const strays = new Set<Delivery>();

  return {
    forges: all,
    settings: { ...github.settings, ...gitlab.settings },
    target: (url) => all.forEach((forge) => void forge.target(url)),
    happen(run) {
      const { platform, repository, workflow, branch, event, message, jobs } = run;
      const handle = forges[platform].repository(repository).run({
        workflow,
        message,
        ...(branch !== undefined && { branch }),
        ...(event !== undefined && { event }),
        jobs: jobs.map(({ trouble: _, ...spec }) => spec),
      });
      keys.set(`${platform}:${handle.id}`, run.key);
      handles.set(run.key, handle);
      return { handle, letters: handle.record().map((delivery) => ({ delivery, platform })) };
    },
    stray(kind) {
      const platform = kind.startsWith('github') ? 'github' : 'gitlab';
      const delivery = strayOf(kind, {
        github: github.repository(REPOSITORY_OF_STRAYS.github),
        gitlab: gitlab.repository(REPOSITORY_OF_STRAYS.gitlab),
        secret: SECRET,
      });
      strays.add(delivery);
      return { delivery, platform };
    },
    send({ delivery, platform }) {
      // A stray is sent as it is; the forge would not know what to make of its id.
      return strays.has(delivery) ? forges[platform].send(delivery) : forges[platform].redeliver(delivery.id);
    },
    sent: () => all.flatMap((forge) => [...forge.sent]),
    keyOf: (platform, externalId) => keys.get(`${platform}:${externalId}`),
    runOf: (key) => handles.get(key),
    activity: () =>
      all.reduce((sum, forge) => sum + forge.deliveries.length + forge.sent.length + forge.calls.length, 0),
    pending: () => all.reduce((sum, forge) => sum + forge.pending(), 0),
    async close() {
      await Promise.all(all.map((forge) => forge.close()));
    },
  };
}
