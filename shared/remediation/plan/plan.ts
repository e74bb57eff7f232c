import type { Failure, Job, Remediation } from '../../model/index.ts';
import { actionOf } from '../../platforms/actions.ts';
import type { RetryOption } from '../../platforms/port.ts';
import type { Store } from '../../store/index.ts';
import type { RunRecord } from '../../tracking/index.ts';
import { escalate } from '../escalate.ts';
import { type Fix, isProvedByNext } from '../fix.ts';
import { noteGuard } from '../guards/index.ts';
import { recordOutcome } from '../learning/index.ts';
import { type Playbook, prepares, RETRY_STEP, verificationOf } from '../playbook.ts';
import { playbookOf } from '../playbooks/index.ts';
import { beginRollback } from '../rollback.ts';
import { hasFailed, isAlone, jobName, leftOver } from './alone.ts';
import { retryBehind } from './root.ts';

/**
 * A plan is a chain of fixes, one for each step of its playbook. A step either mends (it tries the failed jobs again, say, and
 * the attempt after it says whether that helped); or it prepares the next one, which follows once this one is proved. A step
 * that did not help is followed by the next. Each is judged, claimed, carried out and looked up like any fix.
 */

export interface PlannedStep {
  /** Narrowed to this step: what is decided is decided of it alone. */
  readonly playbook: Playbook;
  readonly option: RetryOption;
  readonly marks: Pick<Remediation, 'plan' | 'step' | 'parameters' | 'proof'>;
}

/** What a step is about to be taken on. */
interface Circumstances {
  readonly platform: string;
  readonly repository: string;
  readonly jobs: readonly Job[];
  readonly failures: readonly Failure[];
  /** Another job of their run is tried first. */
  readonly follows?: boolean;
}

const MAX_TEXT = 6_000;
const HARM_SHOWS_MS = 30 * 60_000;
/** Carried out, whatever came of it. */
const TRIED: readonly Remediation['status'][] = ['executing', 'unknown', 'verifying', 'failed'];
const WAITING: readonly Remediation['status'][] = ['proposed', 'awaiting-approval', 'claimed'];

/** A playbook as it is judged for one of its steps. */
export function narrowed(playbook: Playbook, step: number): Playbook {
  const one = playbook.steps[step];
  if (one === undefined) return playbook;
  return {
    ...playbook,
    steps: [one],
    verification: verificationOf(playbook, one),
    cooldownSeconds: Math.max(playbook.cooldownSeconds, one.afterSeconds ?? 0),
  };
}

/** The first step from `from` on that can be taken there. Undefined: none is left. */
export function stepFrom(
  playbook: Playbook,
  from: number,
  of: Circumstances,
): { index: number; action: string; parameters?: Remediation['parameters'] } | undefined {
  for (const [index, { action, parameters, targets, knowing }] of playbook.steps.entries()) {
    if (targets === 'one' && of.follows) continue;
    if (knowing !== undefined && !factsOf(of)[knowing]) continue;
    if (index < from || (action !== RETRY_STEP && actionOf(of.platform, action) === undefined)) continue;
    const filled = parameters === undefined ? {} : fill(parameters, of);
    if (filled !== undefined) return { index, action, ...(parameters !== undefined && { parameters: filled }) };
  }
  return undefined;
}

export function plannedStep(
  playbook: Playbook,
  from: number,
  retry: RetryOption,
  of: Circumstances & {
    plan?: string | undefined;
    idOf: (action: string, part: string) => string;
    fixes: RunRecord['remediations'];
  },
): PlannedStep | undefined {
  const found = stepFrom(playbook, from, of);
  if (found === undefined) return undefined;
  const { steps } = playbook;
  const isRepeated = steps
    .slice(0, found.index)
    .some((step) => step.action === found.action && prepares(playbook, step));
  // What prepares is for the same attempt as what has prepared before.
  const option = isRepeated ? { ...retry, part: `${retry.part}-${found.index}` } : retry;
  const wholly = found.action === RETRY_STEP ? option.action : found.action;
  const begun = (action: string) => of.fixes.find((fix) => fix.id === of.idOf(action, option.part));
  const { one } = option;
  // So for a single job too, as others may be told of late.
  const isOne = one !== undefined && steps[found.index]?.targets === 'one';
  const taken = isOne ? aloneIn(option, one, begun(one)) : { ...option, action: wholly };
  const step = narrowed(playbook, found.index);
  const { by } = step.verification;
  return {
    playbook: step,
    option: taken,
    marks: {
      ...(playbook.steps.length > 1 && { plan: of.plan ?? of.idOf(taken.action, option.part), step: found.index }),
      ...(found.parameters !== undefined && { parameters: found.parameters }),
      ...(by !== 'next-attempt' && { proof: by }),
    },
  };
}

/** The same for one of its jobs: what was begun for one stays for that one. */
function aloneIn(option: RetryOption, action: string, begun: Remediation | undefined): RetryOption {
  const [first] = [...option.jobs].sort((a, b) => b.attempt - a.attempt || (a.id < b.id ? -1 : 1));
  const job = option.jobs.find((one) => begun?.targets.includes(jobName(one))) ?? first;
  return job === undefined ? option : { ...option, action, externalId: job.externalId, jobs: [job] };
}

/** Which step comes after one; where one did not help, the rest is not tried. */
const after = ({ steps }: Playbook, step: number, helped: boolean): number =>
  !helped && steps[step + 1]?.targets === 'rest' ? step + 2 : step + 1;

/** Where the plan stands that was begun for some jobs; `over`: it has come to its end. Undefined: there is none. */
export function standingOf(
  { remediations, jobs }: Pick<RunRecord, 'remediations' | 'jobs'>,
  option: Pick<RetryOption, 'attempt' | 'jobs'>,
): { playbook: Playbook; plan: string; step: number } | 'over' | undefined {
  const names = new Set(option.jobs.map(jobName));
  const hasLeft = (fix: Remediation): boolean =>
    isAlone(fix) &&
    fix.attempt < option.attempt &&
    jobs.some((job) => job.attempt <= fix.attempt && hasFailed(job) && names.has(jobName(job)));
  const last = remediations
    .filter(
      (fix) =>
        fix.plan !== undefined &&
        fix.attempt <= option.attempt &&
        (fix.targets.some((name) => names.has(name)) || hasLeft(fix)),
    )
    .sort((a, b) => a.attempt - b.attempt || (a.step ?? 0) - (b.step ?? 0))
    .at(-1);
  const playbook = last && playbookOf(last.playbook);
  if (last?.plan === undefined) return undefined;
  if (playbook === undefined) return 'over';
  const { plan, step = 0, status } = last;
  const own = playbook.steps[step];
  if (status === 'succeeded' && own !== undefined && prepares(playbook, own)) return { playbook, plan, step: step + 1 };
  // No attempt comes of it, so what follows is for this one.
  if (status === 'failed' && !isProvedByNext(last)) return { playbook, plan, step: step + 1 };
  if (last.attempt === option.attempt || WAITING.includes(status)) return { playbook, plan, step };
  const failedAgain = last.targets.some((name) => names.has(name));
  if (isAlone(last) && !failedAgain && (status === 'succeeded' || TRIED.includes(status))) {
    return { playbook, plan, step: step + 1 };
  }
  if (TRIED.includes(status)) return { playbook, plan, step: last.excused ? step : after(playbook, step, false) };
  return 'over';
}

/** Whether a step whose outcome is known is followed by another, on the attempt after it where it made one. */
export function goesOn(fix: Remediation, record: RunRecord, helped: boolean): boolean {
  const playbook = playbookOf(fix.playbook);
  if (playbook === undefined || fix.plan === undefined || fix.step === undefined) return false;
  const isTarget = (of: { name?: string | undefined; externalId: string }) => fix.targets.includes(jobName(of));
  const attempt = isProvedByNext(fix) ? fix.attempt + 1 : fix.attempt;
  const next = record.runs.find((run) => run.attempt === attempt);
  if (helped) {
    if (!isAlone(fix) || next?.status === 'succeeded' || next?.status === 'canceled') return false;
    const again = record.jobs.filter((job) => job.attempt === attempt && hasFailed(job) && !isTarget(job));
    return again.length + leftOver({ attempt }, record).length > 0;
  }
  // What was cancelled has no failure that a step could be for.
  if (next?.status === 'canceled' || next?.status === 'skipped') return false;
  const jobs = record.jobs.filter((job) => job.attempt === attempt && isTarget(job));
  const theirs = record.failures.filter(isTarget);
  const again = theirs.filter((one) => one.attempt === attempt);
  // Until it is diagnosed, what failed again is taken to have failed as it did before.
  const failures = again.length > 0 ? again : theirs;
  return stepFrom(playbook, after(playbook, fix.step, false), { ...fix, jobs, failures }) !== undefined;
}

/** A step that prepared others is over. True: another one follows. */
export async function prepared(
  fix: Fix,
  from: Remediation,
  of: { result: string; unchanged?: boolean | undefined },
): Promise<boolean> {
  const { step = 0 } = fix.marks;
  const playbook = playbookOf(fix.playbook.id);
  const { platform, repository } = fix.run;
  const { jobs } = fix.option;
  const more =
    playbook !== undefined &&
    stepFrom(playbook, step + 1, { platform, repository, jobs, failures: fix.failures }) !== undefined;
  const hours = fix.playbook.steps[0]?.lastsHours;
  const lastsUntil = hours === undefined || of.unchanged ? undefined : fix.in(hours * 3_600_000);
  if (!more) await endPlan(fix.deps.store, fix.record, from, `no step of ${fix.playbook.id} helped: ${of.result}`);
  if (lastsUntil !== undefined) await noteGuard(fix.deps.store, from, lastsUntil);
  if (fix.root !== undefined && more) await retryBehind(fix.deps.store, fix.root.name, fix.playbook);
  await fix.write(from, 'succeeded', {
    ...{ reason: from.reason, result: of.result },
    ...(of.unchanged && { unchanged: true }),
    // Looked at before its time is up, as it may do harm.
    ...(lastsUntil !== undefined && { lastsUntil, wakeAt: fix.in(HARM_SHOWS_MS) }),
  });
  return more;
}

/** Nothing will come of a fix, and of the plan that it is a step of. */
export async function giveUp(
  fix: Fix,
  from: Remediation | undefined,
  status: 'refused' | 'expired',
  reason: string,
): Promise<void> {
  const { plan, step = 0 } = fix.marks;
  const last = plan === undefined || step === 0 ? undefined : fix.record.remediations.find(({ id }) => id === plan);
  if (last !== undefined) await endPlan(fix.deps.store, fix.record, last, reason);
  await fix.conclude(from, status, reason);
}

/** None of its steps helped: the incidents are the master's, and what was changed on the way is taken back, last first. */
export async function endPlan(store: Store, record: RunRecord, fix: Remediation, reason: string): Promise<void> {
  await escalate(store, fix, record, reason);
  const steps = record.remediations.filter(({ plan }) => plan !== undefined && plan === fix.plan);
  const first = steps.find(({ id }) => id === fix.plan) ?? fix;
  await recordOutcome(store, { ...first, causes: first.causes ?? [], at: first.createdAt }, false);
  const playbook = playbookOf(fix.playbook);
  for (const one of steps) {
    const step = playbook?.steps[one.step ?? 0];
    if (one.status !== 'succeeded' || !step?.rollback || step.stays) continue;
    await beginRollback(store, one, `no step of ${fix.playbook} helped`);
  }
}

/** Puts what is known where a playbook says so, as `{runner}`. Undefined: something of it is not known. */
function fill(parameters: NonNullable<Remediation['parameters']>, of: Circumstances): Remediation['parameters'] {
  const known = factsOf(of);
  let whole = true;
  const filled = Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => {
      if (typeof value !== 'string') return [name, value];
      const text = value.replace(/\{([a-z]+\d?)\}/g, (_, fact: string) => {
        if (!known[fact]) whole = false;
        return known[fact] ?? '';
      });
      return [name, text];
    }),
  );
  return whole ? filled : undefined;
}

function factsOf({ platform, repository, jobs, failures }: Circumstances): Record<string, string | undefined> {
  const runners = new Set(jobs.map(({ runner }) => runner?.id.split(':').at(-1)));
  const names = [...new Set(jobs.map(jobName))].join(', ');
  const causes = [...new Set(failures.map(({ cause }) => cause ?? 'unknown'))].join(', ');
  const text = failures.map(({ name, cause, category, remedy, url, excerpt }) =>
    [
      `${name ?? 'A job'} failed of ${cause ?? 'unknown'} (${category ?? 'unknown'}).`,
      ...(url === undefined ? [] : [url]),
      ...(remedy === undefined ? [] : [remedy]),
      ...(excerpt === undefined ? [] : ['```', excerpt, '```']),
    ].join('\n'),
  );
  const [cache, cache2, cache3] = new Set(failures.flatMap(({ caches = [] }) => caches));
  return {
    // The machine, provided that it is one.
    runner: runners.size === 1 ? [...runners][0] : undefined,
    incident: failures.find(({ incidentId }) => incidentId !== undefined)?.incidentId ?? `${platform}/${repository}`,
    title: failures.length === 0 ? undefined : `${names} keeps failing of ${causes}`,
    branch: jobs[0]?.branch,
    // Only what the jobs themselves have used.
    cache,
    cache2,
    cache3,
    diagnosis: failures.length === 0 ? undefined : text.join('\n\n').slice(0, MAX_TEXT),
  };
}
