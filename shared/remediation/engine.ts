import { advance } from '../incidents/index.ts';
import { type Control, isEnded, type Remediation, type RemediationFact } from '../model/index.ts';
import type { ActOutcome, Platform, ReadParameters, RetryOption } from '../platforms/port.ts';
import { again, done, type Rest } from '../runtime/rest.ts';
import type { Mode, RemediationSettings } from '../runtime/settings.ts';
import { ids, mergeInto, runKeyOf, type Store } from '../store/index.ts';
import { type RunRecord, readRun } from '../tracking/index.ts';
import { refund, spend } from './budget.ts';
import { effectiveControl, holdLease, readControls, releaseLease } from './control.ts';
import { type Decision, decide, FRESH_MS, ready, VERIFY_WITHIN_MS } from './decide.ts';

/** Longer than any call to a platform may take (10 s), so that an expired lease means that nothing is on its way. */
export const LEASE_MS = 15_000;
/** What must be left of a lease when a call begins: the time-out of calls, and a little. */
const CALL_MS = 11_000;
/** Negative look-ups are believed once the call that may still arrive has timed out. */
const LOOK_UP_AFTER_SECONDS = 5;

export interface EngineDeps {
  store: Store;
  platforms: Readonly<Record<string, Platform>>;
  read: ReadParameters;
  settings: RemediationSettings;
  now: () => number;
  /** Names this worker in the claims it holds. */
  owner: string;
}

/**
 * Does whatever is owed to one run: judges its failed jobs once all are diagnosed and the run has ended, and carries out,
 * looks up or gives up the fix. Safe to call at any time, any number of times, from anywhere.
 */
export async function remediateRun(id: string, deps: EngineDeps): Promise<Rest> {
  const record = await readRun(deps.store, id);
  const rests: Rest[] = [];
  for (const run of record.runs) {
    const platform = deps.platforms[run.platform];
    const join = ready(run, record.jobs, record.failures);
    if (platform === undefined || join === undefined) continue;
    for (const option of platform.retryOptions(run, join.jobs)) {
      const failures = join.failures.filter((failure) => option.jobs.some((job) => job.id === failure.jobId));
      rests.push(await new Fix(deps, platform, record, run, option, failures).proceed());
    }
  }
  return rests.find((rest) => rest.again) ?? done;
}

/** One possible fix of one run, at whatever point of its life it is. */
class Fix {
  private readonly id: string;
  private readonly deps: EngineDeps;
  private readonly platform: Platform;
  private readonly record: RunRecord;
  private readonly run: RunRecord['runs'][number];
  private readonly option: RetryOption;
  private readonly failures: RunRecord['failures'];

  constructor(
    deps: EngineDeps,
    platform: Platform,
    record: RunRecord,
    run: RunRecord['runs'][number],
    option: RetryOption,
    failures: RunRecord['failures'],
  ) {
    this.deps = deps;
    this.platform = platform;
    this.record = record;
    this.run = run;
    this.option = option;
    this.failures = failures;
    this.id = ids.remediation(runKeyOf(run.id), option.action, option.part);
  }

  async proceed(): Promise<Rest> {
    const existing = this.record.remediations.find((remediation) => remediation.id === this.id);
    switch (existing?.status) {
      case undefined:
      case 'proposed':
        return this.judge(existing);
      case 'claimed':
      case 'executing':
        return this.afterCrash(existing);
      case 'unknown':
        return this.lookUp(existing);
      default:
        return done;
    }
  }

  private async judge(existing: Remediation | undefined): Promise<Rest> {
    const { store } = this.deps;
    const mode = modeOf(this.deps.settings, this.run);
    if (mode === 'off') return done;
    const control = await this.control();
    // Only what would otherwise be carried out may spend.
    const free = this.decide(mode, control, { repository: 0, all: 0 });
    if (free.kind === 'act') {
      const missing = await this.missingJobs();
      if (missing === undefined) {
        await this.hold(existing, `${this.platform.title} does not say which jobs failed`, this.deps.now() + 60_000);
        return done;
      }
      // One that failed for another cause may forbid the rerun. Its diagnosis comes back here.
      if (missing.length > 0) return done;
    }
    const decision = free.kind === 'act' ? this.decide(mode, control, await spend(store, this.action)) : free;
    if (decision.kind === 'act') return this.claim(existing, decision.reason);
    if (free.kind === 'act') await refund(store, this.action);
    if (decision.kind === 'hold') {
      await this.hold(existing, decision.reason, decision.until);
      return done;
    }
    // A fix that was held for too long is one the master counted on; otherwise a refusal is only an explanation.
    const counted = existing !== undefined && this.latestAttempt() === this.option.attempt;
    if (counted) await this.conclude(existing, 'expired', `held, then given up: ${decision.reason}`);
    else await this.write(existing, 'refused', { reason: decision.reason });
    return done;
  }

  private decide(mode: Mode, control: Control['status'], spent: { repository: number; all: number }): Decision {
    return decide({
      now: this.deps.now(),
      run: this.run,
      jobs: this.option.jobs,
      failures: this.failures,
      latestAttempt: this.latestAttempt(),
      mode,
      control,
      spent,
      budgets: this.deps.settings.budgets,
    });
  }

  /**
   * Failed jobs that the platform knows and nobody has told of: the end of a job can trail the end of its run. Only asked
   * for while a job of the attempt is not known to have ended. Undefined: the platform does not say.
   */
  private async missingJobs(): Promise<readonly string[] | undefined> {
    const { run, record } = this;
    const jobs = record.jobs.filter((job) => job.runId === run.id);
    if (!jobs.some((job) => job.status === 'queued' || job.status === 'running')) return [];
    const client = await this.platform.client(this.deps.read);
    if (client?.failedJobs === undefined) return [];
    const failed = await client.failedJobs(this.request);
    return failed?.filter((id) => !jobs.some((job) => job.externalId === id && isEnded(job.status)));
  }

  /** A job's attempt counts for a job's fix, the run's for a run's. */
  private latestAttempt(): number {
    const names = new Set(this.option.jobs.map((job) => job.name));
    return this.option.subject === this.run.id
      ? Math.max(...this.record.runs.map((run) => run.attempt))
      : Math.max(...this.record.jobs.filter((job) => names.has(job.name)).map((job) => job.attempt));
  }

  private async claim(existing: Remediation | undefined, reason: string): Promise<Rest> {
    const { store, now } = this.deps;
    const client = await this.platform.client(this.deps.read);
    if (client === undefined) {
      await this.conclude(existing, 'refused', `no token for ${this.platform.title} is configured`);
      return done;
    }
    const until = new Date(now() + LEASE_MS).toISOString();
    // The lease goes before the claim: whoever stops QMOI reads the leases after writing the stop, and this worker reads
    // the stop after writing its lease, so that at least one of them sees the other.
    const lease = await holdLease(store, { ...this.action, until });
    try {
      const claimed = await this.write(existing, 'claimed', { reason, ...this.lease(until) });
      if (claimed === undefined) return again(1, 'someone else was faster');
      await Promise.all(this.incidents.map((id) => advance(store, id, 'fixing', reason, this.run.origin)));
      const control = await this.control();
      if (control !== 'running') {
        await refund(store, this.action);
        await this.hold(claimed, `the master has QMOI ${control} here`, now() + 60_000);
        return done;
      }
      const executing = await this.write(claimed, 'executing', { reason, ...this.lease(until) });
      if (executing === undefined) return again(1, 'the claim was lost');
      if (this.leaseLeft(executing) < CALL_MS) {
        await refund(store, this.action);
        await this.hold(executing, 'too little was left of its lease for a call', now());
        return again(1, 'to be judged anew');
      }
      return await this.settle(executing, await client.act(this.request));
    } finally {
      await releaseLease(store, lease);
    }
  }

  private async settle(executing: Remediation, outcome: ActOutcome): Promise<Rest> {
    switch (outcome.kind) {
      case 'done':
        await this.verifying(executing, outcome.detail);
        return done;
      case 'refused':
        await this.conclude(executing, 'refused', outcome.reason);
        return done;
      case 'retry-later':
        await refund(this.deps.store, this.action);
        await this.hold(executing, outcome.reason, this.deps.now() + outcome.seconds * 1000);
        return again(outcome.seconds, outcome.reason);
      case 'unknown':
        await this.write(executing, 'unknown', {
          reason: outcome.reason,
          leaseUntil: executing.leaseUntil,
          wakeAt: this.in(LEASE_MS),
        });
        return again(LOOK_UP_AFTER_SECONDS, outcome.reason);
    }
  }

  /** Someone claimed this and has not said how it ended: still at work, or dead. */
  private async afterCrash(existing: Remediation): Promise<Rest> {
    const left = this.leaseLeft(existing);
    if (left > 0) return again(left / 1000, 'another worker holds the claim');
    if (existing.status === 'claimed') {
      await this.hold(existing, 'its worker was lost before anything was sent', this.deps.now());
      return again(1, 'to be judged anew');
    }
    const unknown = await this.write(existing, 'unknown', { reason: 'its worker was lost', wakeAt: this.in(LEASE_MS) });
    return unknown === undefined ? again(1, 'someone else was faster') : this.lookUp(unknown);
  }

  private async lookUp(existing: Remediation): Promise<Rest> {
    const client = await this.platform.client(this.deps.read);
    const answer = client === undefined ? 'unclear' : await client.lookUp(this.request);
    if (answer === 'happened') {
      await this.verifying(existing, 'found at the platform: it had happened');
      return done;
    }
    if (this.deps.now() - Date.parse(this.run.endedAt ?? this.run.statusAt) > FRESH_MS) {
      await this.conclude(existing, 'refused', 'whether it happened could not be found out');
      return done;
    }
    const left = this.leaseLeft(existing);
    if (answer === 'unclear' || left > 0) return again(Math.max(left / 1000, LOOK_UP_AFTER_SECONDS), 'not yet certain');
    await refund(this.deps.store, this.action);
    await this.hold(existing, 'looked up at the platform: it did not happen', this.deps.now());
    return again(1, 'to be judged anew');
  }

  private verifying(from: Remediation, result: string): Promise<Remediation | undefined> {
    return this.write(from, 'verifying', { reason: from.reason, result, wakeAt: this.in(VERIFY_WITHIN_MS) });
  }

  /** Back to `proposed`, as a new try: certain that nothing was done. */
  private hold(from: Remediation | undefined, reason: string, until: number): Promise<Remediation | undefined> {
    const wakeAt = new Date(until).toISOString();
    const basis = from === undefined || from.status === 'proposed' ? from?.basis : (from.basis ?? 0) + 1;
    return this.write(from, 'proposed', { reason, wakeAt, ...(basis !== undefined && { basis }) });
  }

  /** Nothing will come of it any more: the incidents are the master's now. */
  private async conclude(from: Remediation | undefined, status: 'refused' | 'expired', reason: string): Promise<void> {
    await Promise.all(this.incidents.map((id) => advance(this.deps.store, id, 'escalated', reason, this.run.origin)));
    await this.write(from, status, { reason });
  }

  /** Writes the next status, provided that nobody wrote since `from` was read. Undefined: somebody did. */
  private async write(
    from: Remediation | undefined,
    status: Remediation['status'],
    fields: Partial<RemediationFact>,
  ): Promise<Remediation | undefined> {
    const { store } = this.deps;
    const { run, option } = this;
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
      playbook: option.playbook,
      strategy: 'immediate',
      targets: option.jobs.map((job) => job.name ?? job.externalId),
      incidentIds: this.incidents,
      ...(this.incidents[0] !== undefined && { incidentId: this.incidents[0] }),
      ...fields,
    };
    const { after, changed } = await store.change('remediation', this.id, (state) =>
      state?.version === from?.version ? mergeInto('remediation', state, fact) : undefined,
    );
    return changed ? after : undefined;
  }

  private async control(): Promise<Control['status']> {
    return effectiveControl(await readControls(this.deps.store), this.run);
  }
  private lease(until: string): Pick<Remediation, 'leaseUntil' | 'leaseOwner' | 'wakeAt'> {
    return { leaseOwner: this.deps.owner, leaseUntil: until, wakeAt: until };
  }
  private leaseLeft(existing: Remediation): number {
    return existing.leaseUntil === undefined ? 0 : Date.parse(existing.leaseUntil) - this.deps.now();
  }
  private in(ms: number): string {
    return new Date(this.deps.now() + ms).toISOString();
  }
  private get action() {
    return { id: this.id, platform: this.run.platform, repository: this.run.repository };
  }
  private get incidents(): string[] {
    return [...new Set(this.failures.flatMap((failure) => failure.incidentId ?? []))].sort();
  }
  private get request() {
    const { run, option } = this;
    return { ...option, repository: run.repository, repositoryId: run.repositoryId, runId: run.id };
  }
}

const RESTRICTION: readonly Mode[] = ['act', 'observe', 'off'];

/** The most restrictive mode of all scopes that a run lies in; scopes are written in any case. */
export function modeOf(settings: RemediationSettings, run: { platform: string; repository: string }): Mode {
  const scopes = new Set(
    [`platform:${run.platform}`, `repository:${run.repository}`].map((scope) => scope.toLowerCase()),
  );
  const modes = Object.entries(settings.scopes)
    .filter(([scope]) => scopes.has(scope.toLowerCase()))
    .map(([, mode]) => mode);
  return RESTRICTION[Math.max(...[settings.mode, ...modes].map((mode) => RESTRICTION.indexOf(mode)))] ?? 'off';
}
