import { createHash } from 'node:crypto';
import { advance } from '../incidents/index.ts';
import type { Control, RecordedDecision, Remediation, RemediationFact } from '../model/index.ts';
import type { Platform, ReadParameters, RetryOption } from '../platforms/port.ts';
import type { RemediationSettings } from '../runtime/remediation-settings.ts';
import { ids, mergeInto, runKeyOf, type Store } from '../store/index.ts';
import type { RunRecord } from '../tracking/index.ts';
import { effectiveControl, readControls } from './control.ts';
import type { Decision } from './decide.ts';
import type { Learnt } from './guards/index.ts';
import type { Root } from './plan/index.ts';
import { type Playbook, tierOf } from './playbook.ts';

/** When a fix is looked at whose effect no later attempt tells: no sooner, as the platform may still tell of before. */
export const PROVED_SOON_MS = 30_000;

export interface EngineDeps {
  store: Store;
  platforms: Readonly<Record<string, Platform>>;
  read: ReadParameters;
  settings: RemediationSettings;
  now: () => number;
  /** Names this worker in the claims it holds. */
  owner: string;
}

const CARRIED_OUT: readonly Remediation['status'][] = ['verifying', 'succeeded', 'failed'];

/** Whether it is the attempt after it that tells what came of it. */
export const isProvedByNext = ({ proof }: Pick<Remediation, 'proof'>): boolean =>
  proof === undefined || proof === 'next-attempt';

/** What a fix is beyond its way of trying failed jobs again. */
type Marks = Pick<Partial<RemediationFact>, 'parameters' | 'proof' | 'rollbackOf' | 'plan' | 'step'>;

/** One possible fix of one run: what it is about, and how it is written down. */
export class Fix {
  readonly id: string;
  readonly deps: EngineDeps;
  readonly platform: Platform;
  readonly record: RunRecord;
  readonly run: RunRecord['runs'][number];
  readonly option: RetryOption;
  readonly playbook: Playbook;
  readonly failures: RunRecord['failures'];
  /** Why this playbook and no other that would fit. */
  readonly choice: RecordedDecision['choice'];
  /** What is written of it beside that. */
  readonly marks: Marks;
  /** Why it is done before anything has failed. */
  readonly learnt: Learnt | undefined;
  /** What it is behind. */
  readonly root: Root | undefined;
  /** What was decided last, written along with whatever follows from it. */
  private decided: RecordedDecision | undefined;

  constructor(of: {
    deps: EngineDeps;
    platform: Platform;
    record: RunRecord;
    run: RunRecord['runs'][number];
    option: RetryOption;
    playbook: Playbook;
    failures: RunRecord['failures'];
    choice?: RecordedDecision['choice'];
    marks?: Marks;
    learnt?: Learnt;
    root?: Root;
  }) {
    this.deps = of.deps;
    this.platform = of.platform;
    this.record = of.record;
    this.run = of.run;
    this.option = of.option;
    this.playbook = of.playbook;
    this.failures = of.failures;
    this.choice = of.choice;
    this.marks = of.marks ?? {};
    this.learnt = of.learnt;
    this.root = of.root;
    this.id = ids.remediation(runKeyOf(this.run.id), this.option.action, this.option.part);
  }

  get existing(): Remediation | undefined {
    return this.record.remediations.find((remediation) => remediation.id === this.id);
  }

  decidedTo(
    { kind: verdict, rule, reason }: Decision,
    on: Omit<RecordedDecision, 'at' | 'verdict' | 'rule' | 'reason'>,
  ) {
    this.decided = { at: this.deps.store.now(), verdict, rule, reason, ...on };
  }

  verifying(from: Remediation, result: string, of: { unchanged?: true; made?: string } = {}) {
    const verifyUntil = this.in(this.playbook.verification.withinSeconds * 1000);
    return this.write(from, 'verifying', {
      ...{ reason: from.reason, result, verifyUntil },
      // A request without an answer may still arrive, though somebody else has done the same meanwhile.
      ...(from.status === 'unknown' && { leaseUntil: from.leaseUntil }),
      ...(of.unchanged && { unchanged: true }),
      ...(of.made !== undefined && { made: ids.run(this.run.platform, of.made, 1) }),
      // The next attempt tells of itself.
      wakeAt: isProvedByNext(from) ? verifyUntil : this.in(PROVED_SOON_MS),
    });
  }

  /** Back to `proposed`, as a new try: certain that nothing was done. */
  hold(
    from: Remediation | undefined,
    reason: string,
    until: number,
    fields: Partial<RemediationFact> = {},
  ): Promise<Remediation | undefined> {
    const wakeAt = new Date(until).toISOString();
    const basis = from === undefined || from.status === 'proposed' ? from?.basis : (from.basis ?? 0) + 1;
    return this.write(from, 'proposed', { reason, wakeAt, ...(basis !== undefined && { basis }), ...fields });
  }

  /** Nothing will come of it any more: the incidents are the master's now. */
  async conclude(from: Remediation | undefined, status: 'refused' | 'expired', reason: string): Promise<void> {
    await this.advanceIncidents('escalated', reason);
    await this.write(from, status, { reason });
  }

  async advanceIncidents(status: 'fixing' | 'escalated', reason: string): Promise<void> {
    const { store } = this.deps;
    await Promise.all(this.incidents.map((id) => advance(store, id, status, reason, this.run.origin)));
  }

  /** Writes the next status, provided that nobody wrote since `from` was read. Undefined: somebody did. */
  async write(
    from: Remediation | undefined,
    status: Remediation['status'],
    fields: Partial<RemediationFact>,
  ): Promise<Remediation | undefined> {
    const { store } = this.deps;
    const { run, option, playbook } = this;
    const decision = this.decided ?? from?.decision;
    const fact: RemediationFact = {
      id: this.id,
      status,
      statusAt: store.now(),
      basis: from?.basis ?? 0,
      origin: run.origin,
      platform: run.platform,
      repository: run.repository,
      ...(run.repositoryId !== undefined && { repositoryId: run.repositoryId }),
      subject: option.subject,
      runId: run.id,
      externalId: option.externalId,
      attempt: option.attempt,
      action: option.action,
      playbook: playbook.id,
      playbookVersion: playbook.version,
      tier: tierOf(playbook),
      strategy: playbook.strategy,
      targets: from?.playbook === playbook.id ? from.targets : option.jobs.map((job) => job.name ?? job.externalId),
      causes: [...new Set([...this.failures.map(({ cause }) => cause ?? 'unknown'), ...this.foreseen])].sort(),
      incidentIds: this.incidents,
      ...(this.incidents[0] !== undefined && { incidentId: this.incidents[0] }),
      ...(decision !== undefined && { decision }),
      ...this.marks,
      // What it was asked for stays what it is about, whatever would be asked for now.
      ...(from?.parameters !== undefined && { parameters: from.parameters }),
      ...fields,
    };
    const { after, changed } = await store.change('remediation', this.id, (state) =>
      state?.version === from?.version ? mergeInto('remediation', state, fact) : undefined,
    );
    return changed ? after : undefined;
  }

  async control(): Promise<Control['status']> {
    return effectiveControl(await readControls(this.deps.store), this.run);
  }

  /** A job's attempt counts for a job's fix, the run's for a run's. What was asked to run again will have a later one. */
  latestAttempt({ runs, jobs, remediations }: RunRecord = this.record): number {
    const { subject, attempt } = this.option;
    const names = new Set(this.option.jobs.map((job) => job.name));
    const known = subject === this.run.id ? runs : jobs.filter((job) => names.has(job.name));
    const begun = remediations.filter(
      (other) => other.id !== this.id && other.subject === subject && CARRIED_OUT.includes(other.status),
    );
    return Math.max(
      attempt,
      ...known.map((one) => one.attempt),
      ...begun.filter(isProvedByNext).map((other) => other.attempt + 1),
    );
  }

  in(ms: number): string {
    return new Date(this.deps.now() + ms).toISOString();
  }
  /** Spreads what would otherwise come at once: below `ms`, always the same for one fix. */
  jitter(ms: number): number {
    return createHash('sha1').update(this.id).digest().readUInt32BE(0) % ms;
  }
  private get foreseen(): string[] {
    return this.learnt?.cause === undefined ? [] : [this.learnt.cause];
  }
  get action() {
    return { id: this.id, platform: this.run.platform, repository: this.run.repository };
  }
  get incidents(): string[] {
    return [...new Set(this.failures.flatMap((failure) => failure.incidentId ?? []))].sort();
  }
  get request() {
    const { run, option } = this;
    return {
      ...option,
      repository: run.repository,
      repositoryId: run.repositoryId,
      runId: run.id,
      parameters: this.existing?.parameters ?? this.marks.parameters,
      since: this.decided?.at ?? this.existing?.decision?.at,
    };
  }
}
