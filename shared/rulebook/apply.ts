import { type Diagnosis, diagnose, type Rule } from '../diagnosis/index.ts';
import { attach, mergeIncidents, priorityOf, RegroupRefused, severityOf, termsOf } from '../incidents/index.ts';
import type { Failure } from '../model/index.ts';
import { listEntities, type Store } from '../store/index.ts';
import type { Book } from './book.ts';
import { noteHit } from './standing.ts';
import { holdsAny, storedFailures } from './trial.ts';

export interface Applied {
  /** Failures of unknown cause that now have the rule's. */
  readonly diagnosed: number;
  /** Those that another call would get to. */
  readonly left: number;
  /** The open incidents that they are in now. */
  readonly incidents: readonly string[];
}

/** Each is some reads and writes; the call may be made again for the rest. */
const MAX_APPLIED = 50;
const MAX_MEMBERS = 200;

/**
 * Diagnoses the stored failures of unknown cause anew that a rule explains, and makes their incidents the one that later
 * failures of that cause go to. Nothing is done about them: they are as old as they are. Safe to do again, as after a crash.
 */
export async function applyRule(store: Store, book: Book, rule: Rule): Promise<Applied> {
  const explained: { failure: Failure; diagnosis: Diagnosis }[] = [];
  for (const failure of await storedFailures(store)) {
    const open = failure.cause === 'unknown' || failure.cause === rule.id;
    if (!open || !holdsAny(failure.excerpt ?? '', rule.literals)) continue;
    const diagnosis = await again(store, book, failure);
    if (diagnosis.cause === rule.id) explained.push({ failure, diagnosis });
  }
  const unknown = explained.filter(({ failure }) => failure.cause === 'unknown');
  for (const { failure, diagnosis } of unknown.slice(0, MAX_APPLIED)) await restate(store, failure, diagnosis);
  const incidents = new Set<string>();
  const seen = new Set<string>();
  for (const { failure, diagnosis } of explained) {
    const { incidentId } = failure;
    if (incidentId === undefined || seen.has(incidentId)) continue;
    seen.add(incidentId);
    const now = await regroup(store, incidentId, failure, diagnosis);
    if (now !== undefined) incidents.add(now);
  }
  const diagnosed = Math.min(unknown.length, MAX_APPLIED);
  return { diagnosed, left: unknown.length - diagnosed, incidents: [...incidents] };
}

async function again(store: Store, { rules, preferred, demoted }: Book, failure: Failure): Promise<Diagnosis> {
  const job = await store.get('job', failure.jobId);
  const failedStep = job?.steps.find(({ status }) => status === 'failed' || status === 'timed-out')?.name;
  const context = {
    platform: failure.platform,
    jobName: failure.name ?? failure.externalId,
    ...(failedStep !== undefined && { failedStep }),
  };
  return diagnose(failure.excerpt ?? '', context, { rules, preferred, demoted });
}

/** What a failure's circumstances say stays; its cause and what follows from it changes. */
const restatedTerms = ({ terms }: Failure, { severity }: Diagnosis) => ({
  ...(terms ?? termsOf({ severity })),
  cause: termsOf({ severity }).cause,
});

async function restate(store: Store, { id, failedAt }: Failure, diagnosis: Diagnosis): Promise<void> {
  await noteHit(store, diagnosis.cause, { id, failedAt });
  await store.change('failure', id, (state) => {
    if (state?.cause !== 'unknown') return undefined;
    const terms = restatedTerms(state, diagnosis);
    const { cause, category, transient, remedy, template, confidence } = diagnosis;
    return {
      ...{ ...state, cause, category, transient, remedy, template, confidence, terms },
      ...{ severity: severityOf(terms), priority: priorityOf(terms) },
    };
  });
}

/** The incident for the cause takes the failures of one that was open for an unknown cause, once all of them have the cause. */
async function regroup(store: Store, id: string, failure: Failure, diagnosis: Diagnosis): Promise<string | undefined> {
  const incident = await store.get('incident', id);
  if (incident === undefined || incident.status === 'resolved') return undefined;
  if (incident.cause !== 'unknown') return incident.cause === diagnosis.cause ? id : undefined;
  const members = await listEntities(store, 'failure', { filters: { incidentId: [id] }, limit: MAX_MEMBERS });
  const all = members.items as Failure[];
  if (members.nextCursor !== null || all.some(({ cause }) => cause !== diagnosis.cause)) return undefined;
  const { cause, category, remedy, fingerprint } = diagnosis;
  const { platform, repository, origin, failedAt: seenAt } = failure;
  const title = `${cause} in ${failure.name ?? failure.externalId} of ${repository}`;
  const terms = restatedTerms(failure, diagnosis);
  const target = await attach(store, {
    ...{ fingerprint, title, cause, category, terms, remedy, platform, repository, origin, seenAt },
  });
  try {
    await mergeIncidents(store, id, target);
  } catch (error) {
    // Somebody has said otherwise, or it was closed meanwhile.
    if (!(error instanceof RegroupRefused)) throw error;
  }
  return target;
}
