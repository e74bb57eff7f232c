import type { Job, Run } from '../../shared/model/index.ts';
import {
  type ActionRequest,
  type ActOutcome,
  type LookUp,
  noFacts,
  type Platform,
  RETRY_PLAYBOOK,
} from '../../shared/platforms/port.ts';

/** A platform that remembers what was done to it: enough of a forge for tests of what is decided, claimed and looked up. */
export class FakePlatform {
  /** The reruns that took place. */
  readonly effects: ActionRequest[] = [];
  /** What the next calls come to; `done` when none is left. `lost`: it takes place, and nobody hears of it. */
  answers: (ActOutcome['kind'] | 'lost')[] = [];
  calls = 0;
  lookUps = 0;
  token: string | undefined = 'token';
  /** Called before a rerun takes place. */
  beforeAct: () => Promise<void> = async () => undefined;
  readonly platform: Platform;

  constructor(kind: 'run' | 'job' = 'run') {
    this.platform = {
      name: 'fake',
      title: 'Fake',
      verifiedWith: [],
      verify: async () => 'verified',
      read: () => ({ kind: 'ignored', event: 'none' }),
      normalise: noFacts,
      retryOptions: (run: Run, failed: readonly Job[]) =>
        kind === 'run'
          ? [
              {
                ...common,
                part: String(run.attempt),
                subject: run.id,
                externalId: run.externalId,
                attempt: run.attempt,
                jobs: failed,
                one: 'rerun-one',
              },
            ]
          : failed.map((job) => ({
              ...common,
              part: job.externalId,
              subject: job.id,
              externalId: job.externalId,
              attempt: job.attempt,
              jobs: [job],
            })),
      client: async () =>
        this.token === undefined
          ? undefined
          : {
              jobLog: async () => (async function* () {})(),
              act: (request) => this.act(request),
              lookUp: async (request) => this.lookUp(request),
            },
    };
  }

  private async act(request: ActionRequest): Promise<ActOutcome> {
    this.calls++;
    await this.beforeAct();
    const answer = this.answers.shift() ?? 'done';
    if (answer === 'done' || answer === 'lost') this.effects.push(request);
    switch (answer) {
      case 'done':
        return { kind: 'done', detail: 'rerun asked for' };
      case 'refused':
        return { kind: 'refused', reason: 'the fake refuses' };
      case 'retry-later':
        return { kind: 'retry-later', seconds: 3, reason: 'the fake is busy' };
      default:
        return { kind: 'unknown', reason: 'no answer' };
    }
  }

  private lookUp(request: ActionRequest): LookUp {
    this.lookUps++;
    return this.effects.some((effect) => effect.subject === request.subject) ? 'happened' : 'did-not-happen';
  }
}

const common = { action: 'rerun', playbook: RETRY_PLAYBOOK };
