/**
 * What QMOI asks of a platform. One folder implements it per platform, one registration line in `index.ts` adds it, one
 * contract suite (`test/contract/platforms.test.ts`) holds all of them to it.
 */
import type {
  Automation,
  AutomationFact,
  Job,
  JobFact,
  Origin,
  Remediation,
  Run,
  RunFact,
  RunnerFact,
} from '../model/index.ts';
import type { Meter, Sweeper, Told } from './sweeper.ts';
import type { TestReport } from './test-names.ts';

export type { TestReport };

/** A request as it came: the body's very bytes, header names in lower case. */
export interface RawRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** The query's parameters; of one that comes more than once the last. */
  readonly query?: Readonly<Record<string, string | undefined>>;
}

/** Settings and secrets by their parameter name without the prefix (`github-webhook-secret`), read when asked for. */
export type ReadParameters = (names: readonly string[]) => Promise<Readonly<Record<string, string | undefined>>>;

export type Verdict = 'verified' | 'refused' | 'not-configured';

/** What a verified request turns out to be. `malformed` is the sender's mistake, told with its HTTP status. */
export type Reading =
  | {
      readonly kind: 'delivery';
      readonly externalId: string;
      readonly event: string;
      readonly action?: string;
      readonly repository?: string;
    }
  | { readonly kind: 'quarantined'; readonly externalId: string; readonly event: string; readonly reason: string }
  | { readonly kind: 'ignored'; readonly event: string }
  | { readonly kind: 'malformed'; readonly status: 400 | 415; readonly detail: string };

export interface PlatformFacts {
  runs: RunFact[];
  jobs: JobFact[];
  runners: RunnerFact[];
  automations: AutomationFact[];
  lines?: RunLine[];
  windows?: WindowFact[];
}

/** Word that something is being worked on, or is so no more: what lies in it is let alone meanwhile. */
export interface WindowFact {
  /** Names what it is of: the same at its beginning and at its end. */
  readonly key: string;
  /** RFC 3339, the platform's own time. */
  readonly at: string;
  /** What lies in it: all that is named here has to fit. Nothing named: everything. */
  readonly covers: {
    readonly platform?: string;
    readonly repository?: string;
    readonly environment?: string;
    /** A machine, by its name or its id. */
    readonly runner?: string;
  };
  /** Absent: it is over. */
  readonly open?: { readonly until: string; readonly reason: string };
  /** The run that it is about, whose own end tells that it is over. */
  readonly runId?: string;
}

/**
 * Which line of work a run is of. The runs of one line follow each other, and each makes the outcome of those before it
 * moot: a workflow's runs for the pushes to one branch, or for one pull request. Runs that were asked for one by one, each
 * with inputs of its own, are of no line. Within a line, a greater id of the platform is a later run.
 */
export interface RunLine {
  readonly runId: string;
  readonly line: string;
}

export interface DeliveredEvent {
  readonly event: string;
  /** The body as it came; form-encoded bodies too. */
  readonly body: Buffer;
  readonly contentType: string;
  readonly origin: Origin;
  /** RFC 3339; stands in where the platform gives no time of its own. */
  readonly receivedAt: string;
}

/** Everything known of the runs that some facts speak of. */
export interface KnownRun {
  readonly runs: readonly Run[];
  readonly jobs: readonly Job[];
}

/** What an act at a platform came to. `unknown` means that it may have happened: it is looked up, never repeated. */
export type ActOutcome =
  /** `unchanged`: it was so before, so that there is nothing to take back. */
  | {
      readonly kind: 'done';
      readonly detail: string;
      readonly unchanged?: true;
      /** The platform's id of the run that it made, where the answer names it. */
      readonly made?: string;
    }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'retry-later'; readonly seconds: number; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Whether an act whose answer was lost has happened. `unclear`: ask again later. */
export type LookUp = 'happened' | 'did-not-happen' | 'unclear';

/** What an act has come to so far, as the platform tells. */
export interface Shown {
  readonly status: 'pending' | 'succeeded' | 'failed';
  /** For people: `the Space is RUNNING`. */
  readonly detail: string;
  /** The platform's id of the run that it made, where that is found. */
  readonly made?: string;
}

/** Platforms publish a log within seconds of its job's end; what is missing for longer than this is taken to be lost. */
const MISSING_PATIENCE_SECONDS = 600;
/** An empty log is one whose first lines are on their way, or that of a job that never ran. */
export const EMPTY_PATIENCE_SECONDS = 60;

/** There is no log so far. How long ago its job ended does not tell whether one will come: whoever asks knows since when. */
export class LogNotReady extends Error {
  override readonly name = 'LogNotReady';
  readonly patienceSeconds: number;
  constructor(message: string, patienceSeconds = MISSING_PATIENCE_SECONDS) {
    super(message);
    this.patienceSeconds = patienceSeconds;
  }
}
/** The log will never be had (expired, deleted, forbidden). */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable';
}
/** The platform could not answer now: a 5xx, a 429, a lost connection. */
export class PlatformUnavailable extends Error {
  override readonly name = 'PlatformUnavailable';
  /** Seconds after which the platform asked to be called again. */
  readonly retryAfter: number | undefined;
  constructor(message: string, retryAfter?: number) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

/** What an action is about. */
export interface ActionRequest
  extends Pick<
    Remediation,
    'action' | 'repository' | 'repositoryId' | 'externalId' | 'runId' | 'attempt' | 'subject' | 'parameters'
  > {
  /** When it was decided, RFC 3339: what it makes is no older. */
  readonly since?: string | undefined;
}

/** A platform's API, as far as QMOI uses it. Every call ends within 10 s. */
export interface PlatformClient {
  /** Streams the log of an ended job, at most `maxBytes` of it. Throws the errors above. */
  jobLog(job: Job, options: { maxBytes: number; signal?: AbortSignal }): Promise<AsyncIterable<Uint8Array>>;
  act(request: ActionRequest): Promise<ActOutcome>;
  /** `job`s and `run`s known to QMOI are of no use here: it asks the platform. */
  lookUp(request: ActionRequest): Promise<LookUp>;
  /** What an act has come to. Undefined: the platform does not tell, or not now. Absent: it never does. Never throws. */
  probe?(request: ActionRequest): Promise<Shown | undefined>;
  /**
   * The platform's ids of the failed jobs of the attempt; undefined when it does not say now. Absent where the event of a
   * run's end names all of its jobs.
   */
  failedJobs?(request: ActionRequest): Promise<readonly string[] | undefined>;
  /**
   * How the tests of an ended job ended, by the report that the platform has of it; undefined when it has none, or does not
   * say now. Absent where the platform keeps no reports.
   */
  testReport?(job: Job): Promise<TestReport | undefined>;
}

/** The playbook of every plain "try the failed jobs again". */
export const RETRY_PLAYBOOK = 'retry-failed-jobs';

/** An action that could put failed jobs right, without a verdict on whether it should be taken. */
export interface RetryOption {
  readonly action: string;
  /** Absent: a retry is more than that here, and nothing is done unless the settings name a playbook. */
  readonly playbook?: string;
  /** Makes the claim unique within the run: the attempt for a run's action, the job's id for a job's. */
  readonly part: string;
  readonly subject: string;
  readonly externalId: string;
  readonly attempt: number;
  readonly jobs: readonly Job[];
  /** What tries a single one of several jobs, by the job's own id. Absent: nothing does. */
  readonly one?: string;
}

/** What a look at an automation may use. */
export interface LookDeps {
  readonly read: ReadParameters;
  /** RFC 3339: the time of looking, which stands in for the platform's own. */
  readonly now: string;
  /** What the table holds of a run. */
  readonly known: (runId: string) => Promise<Pick<Run, 'status'> | undefined>;
}

export interface Platform {
  readonly name: string;
  /** For people. */
  readonly title: string;
  /**
   * Absent: by webhook. `bus`: over the account's own event bus, whose rule says what is trusted; it has no address.
   * `heartbeat`: by POST /heartbeats, which tells these platforms apart by what is sent.
   */
  readonly arrives?: 'bus' | 'heartbeat';
  /** Names of the secrets that `verify` compares with: whoever receives requests may read these, and no others. */
  readonly verifiedWith: readonly string[];
  /** Compares in constant time; an empty secret verifies nothing; the previous secret counts during a rotation. */
  verify(request: RawRequest, read: ReadParameters, now: Date): Promise<Verdict>;
  /** Only called once the request is verified. Never throws on any body. */
  read(request: RawRequest): Reading;
  /**
   * The messages of a verified request, each as a request by itself, whose body tells all of it: it is what is kept. Absent: a
   * request is one message, and its body is.
   */
  messages?(request: RawRequest): readonly RawRequest[];
  /** What answers an OPTIONS request by which a sender asks whether it may send: headers. Absent: there is no such question. */
  handshake?(request: RawRequest): Readonly<Record<string, string>> | Extract<Reading, { kind: 'malformed' }>;
  /** The facts that a delivery tells. Throws a ZodError when its shape is not the platform's. */
  normalise(delivery: DeliveredEvent): PlatformFacts;
  /**
   * Places facts among what is known of their run, where the platform does not number attempts itself. Pure; placing the
   * result again changes nothing. Absent: the facts are complete as they are.
   */
  place?(facts: PlatformFacts, known: KnownRun): PlatformFacts;
  /** Ways to try the failed jobs of an ended run again. */
  retryOptions(run: Run, failed: readonly Job[]): RetryOption[];
  /**
   * Looks at an automation of which webhooks do not tell everything: what a webhook should have told beyond what is known,
   * in words that `normalise` understands. Undefined when no token is configured or the platform knows no such automation.
   * At most two calls. Throws `PlatformUnavailable`.
   */
  look?(automation: Pick<Automation, 'externalId' | 'status'>, deps: LookDeps): Promise<readonly Told[] | undefined>;
  /** Undefined when the platform's token is not configured. */
  client(read: ReadParameters): Promise<PlatformClient | undefined>;
  /** What the reconciliation asks the platform with; undefined as above. Absent: its API tells nothing that was lost. */
  sweeper?(read: ReadParameters, meter: Meter): Promise<Sweeper | undefined>;
}

export const noFacts = (): PlatformFacts => ({ runs: [], jobs: [], runners: [], automations: [] });
