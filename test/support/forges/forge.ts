import { countingClock, manualClock } from './clock.ts';
import { FaultPlan } from './faults.ts';
import { githubForge } from './github.ts';
import { gitlabForge } from './gitlab.ts';
import { latestJobs } from './gitlab-runs.ts';
import { HookBook } from './hooks.ts';
import type { Forge, ForgeOptions, Repository, RunHandle } from './index.ts';
import { Outbox } from './outbox.ts';
import type { ForgeParts, PlatformForge } from './platform-forge.ts';
import { random } from './random.ts';
import { Resources } from './resources.ts';
import { type Context, latest, newRun } from './run-state.ts';
import { TokenStore } from './tokens.ts';
import type { Call, Delivery, RepositoryState, Run, RunSpec, SendResult } from './types.ts';

type Options = ForgeOptions & Required<Pick<ForgeOptions, 'clock' | 'speed'>>;

/** Ids as large as the platforms' own. */
const FIRST_ID = {
  github: { run: 17_480_000_000, job: 49_610_000_000, repository: 710_000_000 },
  gitlab: { run: 1_840_000_000, job: 10_470_000_000, repository: 61_000_000 },
};

export async function buildForge(options: Options): Promise<Forge> {
  const clock = countingClock(options.clock);
  const rand = random(options.seed);
  const ids = { ...FIRST_ID[options.platform] };
  const next = (kind: keyof typeof ids): number => {
    ids[kind] += rand.int(1, 400);
    return ids[kind];
  };
  const deliveries: Delivery[] = [];
  const calls: Call[] = [];
  const tokens = new TokenStore();
  tokens.allow(options.token);
  let target = options.webhookUrl;
  const address = (): string => webhookAddress(target, options.platform);
  // The platform is built on the context, and the outbox needs the platform's way of signing again.
  let platform: PlatformForge | undefined;
  const renew = (delivery: Delivery): Delivery => platform?.renew(delivery) ?? delivery;
  const outbox = new Outbox({
    target: address,
    clock,
    renew,
    ...(options.redeliverEveryMs === undefined ? {} : { redeliverEveryMs: options.redeliverEveryMs }),
  });
  const keep = (run: Run, delivery: Delivery): void => {
    run.deliveries.push(delivery);
    deliveries.push(delivery);
  };

  const speeds = new Map<Run, number>();
  const context: Context = {
    clock,
    random: rand,
    repositories: [],
    effects: [],
    nextId: next,
    liveStage: (run) => ({
      clock,
      speed: speeds.get(run) ?? options.speed,
      emit: (delivery) => {
        keep(run, delivery);
        void outbox.queue(delivery);
      },
      ended: () => undefined,
    }),
  };
  const faults = new FaultPlan();
  const parts: ForgeParts = {
    context,
    options,
    tokens,
    calls,
    faults,
    target: address,
    hooks: new HookBook(),
    resources: new Resources(),
    journal: () =>
      deliveries.map((delivery) => ({
        delivery,
        statuses: outbox.results.filter((result) => result.delivery.id === delivery.id).map(({ status }) => status),
      })),
    resend: (id) => {
      const delivery = deliveries.find((candidate) => candidate.id === id);
      if (delivery !== undefined) void outbox.send(renew(delivery));
    },
  };
  platform = await (options.platform === 'github' ? githubForge(parts) : gitlabForge(parts));
  const { simulator, url, settings } = platform;
  const built = platform;

  function handle(run: Run): RunHandle {
    const begin = (): void => {
      if (run.attempts.length > 0) throw new Error(`run ${run.id} has already been played`);
    };
    const jobs = () => (run.attempts.length === 0 ? [] : latestJobs(run));
    return {
      id: run.id,
      number: run.number,
      get attempt() {
        return options.platform === 'github' ? latest(run).number : run.retries + 1;
      },
      get status() {
        const { status } = latest(run);
        return status === 'finished' ? 'completed' : status === 'running' ? 'in_progress' : 'queued';
      },
      get conclusion() {
        return latest(run).conclusion;
      },
      get jobs() {
        return jobs();
      },
      deliveries: run.deliveries,
      job(name) {
        const found = jobs().find((job) => job.spec.name === name);
        if (!found) throw new Error(`run ${run.id} has no job ${name} yet`);
        return found;
      },
      async play({ speed = options.speed } = {}) {
        begin();
        speeds.set(run, speed);
        const sent: Promise<SendResult>[] = [];
        await new Promise<void>((resolve) => {
          simulator.start(run, {
            clock,
            speed,
            emit: (delivery) => {
              keep(run, delivery);
              sent.push(outbox.queue(delivery));
            },
            ended: resolve,
          });
        });
        return Promise.all(sent);
      },
      record() {
        begin();
        const past = manualClock(clock.now() - simulator.measure(run));
        simulator.start(run, {
          clock: past,
          speed: 1,
          emit: (delivery) => keep(run, delivery),
          ended: () => undefined,
        });
        past.drain();
        return run.deliveries;
      },
    };
  }

  function repository(fullName: string): Repository {
    if (!/^[^/\s]+(?:\/[^/\s]+)+$/.test(fullName)) throw new Error(`not a repository: ${fullName}`);
    let state = context.repositories.find((candidate) => candidate.fullName === fullName);
    if (!state) {
      state = { id: next('repository'), fullName, hidden: false, runs: [] };
      context.repositories.push(state);
    }
    const found: RepositoryState = state;
    return {
      id: found.id,
      fullName,
      hide(hidden = true) {
        found.hidden = hidden;
      },
      run: (spec: RunSpec) => handle(newRun(context, found, spec)),
      ping() {
        const delivery = built.ping(found);
        deliveries.push(delivery);
        return delivery;
      },
    };
  }

  const pending = (): number => clock.outstanding() + outbox.waiting() + built.underWay();
  return {
    platform: options.platform,
    url,
    settings,
    calls,
    effects: context.effects,
    resources: parts.resources,
    deliveries,
    sent: outbox.results,
    faults,
    tokens,
    repository,
    target(webhookUrl) {
      target = webhookUrl;
    },
    send: (delivery) => outbox.send(delivery),
    redeliver(id) {
      const delivery = deliveries.find((candidate) => candidate.id === id);
      if (!delivery) throw new Error(`no delivery ${id}`);
      return outbox.send(renew(delivery));
    },
    pending,
    async idle() {
      while (pending() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    async close() {
      outbox.close();
      clock.cancelAll();
      await built.close();
    },
  };
}

function webhookAddress(target: string | undefined, platform: string): string {
  if (target === undefined) throw new Error('the forge has no webhook address: pass webhookUrl or call target()');
  const url = new URL(target);
  return url.pathname === '/' ? new URL(`/webhooks/${platform}`, url).href : url.href;
}
