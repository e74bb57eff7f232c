import { GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { platforms } from '../../shared/platforms/index.ts';
import type { ActionRequest, ActOutcome, LookUp, Platform } from '../../shared/platforms/port.ts';
import type { Random } from '../../shared/remediation/learning/index.ts';
import type { Rest } from '../../shared/runtime/rest.ts';
import { Store } from '../../shared/store/index.ts';
import type { MemoryTable } from '../support/memory-table.ts';
import type { ModelForge } from './remediation-model-forge.ts';

/** Workers that take turns: each waits at every call it makes, and may never come back from it. */

/** Longer than no request stays on its way, by the time-out of calls. */
export const CALL_MS = 10_000;
/** Two workers' clocks differ by a second at most. */
const SKEW_MS = 500;

export interface Message {
  readonly what: string;
  /** No engine: it is rarely interrupted. */
  readonly brisk?: boolean;
  readonly work: (worker: Worker) => Promise<Rest>;
  visibleAt: number;
  taken: boolean;
  done?: boolean;
}

/** A request to a forge: it arrives or not, once; and it is answered or not, once. */
export interface Call {
  readonly request: ActionRequest;
  readonly worker: Worker;
  readonly sentAt: number;
  arrived: boolean;
  /** What the forge answered, until the worker hears of it. */
  outcome?: ActOutcome;
  answered: boolean;
  readonly answer: (outcome: ActOutcome) => void;
}

export interface Faults {
  /** Of table calls that fail: before they take effect, or after it. */
  table: number;
  /** Of requests that are lost on the way there, or on the way back. */
  lost: number;
  /** Of requests that the forge does not take now, or refuses. */
  refused: number;
}
export const NO_FAULTS: Faults = { table: 0, lost: 0, refused: 0 };

export interface Surroundings {
  readonly table: MemoryTable;
  readonly forge: ModelForge;
  readonly random: Random;
  readonly now: () => number;
  readonly faults: () => Faults;
  /** A request leaves; what must not be is thrown. */
  readonly sends: (call: Call) => void;
}

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class Worker {
  readonly store: Store;
  readonly now: () => number;
  readonly platforms: Readonly<Record<string, Platform>>;
  readonly message: Message;
  alive = true;
  over = false;
  private readonly waiting: (() => void)[] = [];
  private readonly around: Surroundings;

  constructor(message: Message, around: Surroundings) {
    this.message = message;
    this.around = around;
    const skew = Math.round((around.random() * 2 - 1) * SKEW_MS);
    this.now = () => around.now() + skew;
    const client = { send: (command: object) => this.send(command) } as unknown as Store['client'];
    this.store = new Store({ client, tableName: 'model', now: this.now });
    const own = (platform: Platform): Platform => ({
      ...platform,
      client: async () => ({
        jobLog: async () => (async function* () {})(),
        act: (request) => this.act(request),
        lookUp: (request) => this.lookUp(request),
        failedJobs: async (request) => {
          await this.turn();
          return around.forge.failedJobs(request);
        },
      }),
    });
    this.platforms = { github: own(platforms.github as Platform), gitlab: own(platforms.gitlab as Platform) };
  }

  get ready(): boolean {
    return this.alive && this.waiting.length > 0;
  }

  /** Goes on to the next call. */
  async go(): Promise<void> {
    const [next] = this.waiting.splice(Math.floor(this.around.random() * this.waiting.length), 1);
    next?.();
    await later();
  }

  /** Nothing that it was about to do happens any more, `finally` blocks included. */
  die(): void {
    this.alive = false;
    this.waiting.length = 0;
  }

  async turn(): Promise<void> {
    if (this.around.random() < (this.message.brisk ? 0.9 : 0.3)) return;
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private async send(command: object): Promise<object> {
    const { random, faults, table } = this.around;
    await this.turn();
    const fails = random() < faults().table;
    const early = random() < 0.5;
    if (fails && early) throw new Error('the table does not answer');
    const answer = await table.client.send(command as never);
    if (random() < 0.3) await this.turn();
    if (!fails || command instanceof GetCommand || command instanceof QueryCommand) return answer;
    // The SDK tries again by itself, and is then told that its own first try was in its way.
    if (command instanceof PutCommand && command.input.ConditionExpression !== undefined) {
      throw Object.assign(new Error('The conditional request failed'), { name: 'ConditionalCheckFailedException' });
    }
    throw new Error('the table does not answer');
  }

  private act(request: ActionRequest): Promise<ActOutcome> {
    return new Promise((resolve) => {
      const answer = (outcome: ActOutcome) => {
        this.waiting.push(() => resolve(outcome));
      };
      this.around.sends({
        ...{ request: { ...request }, worker: this, sentAt: this.around.now() },
        ...{ arrived: false, answered: false, answer },
      });
    });
  }

  private async lookUp(request: ActionRequest): Promise<LookUp> {
    const { random, faults, forge } = this.around;
    await this.turn();
    return random() < faults().lost ? 'unclear' : forge.lookUp(request);
  }
}
