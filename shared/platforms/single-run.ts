import { type AutomationFact, isEnded, type Job, type Origin, type Run, type RunFact } from '../model/index.ts';
import { ids } from '../store/keys.ts';
import { cut, present } from './clean.ts';
import { noFacts, type PlatformFacts, type RetryOption } from './port.ts';
import { windowOfDeployment } from './windows.ts';

/** What platforms tell of a run that has neither attempts nor jobs: a deployment, a check, what someone reports of a commit. */
export interface SingleRun
  extends Pick<
    RunFact,
    | 'branch'
    | 'commit'
    | 'url'
    | 'environment'
    | 'event'
    | 'actor'
    | 'queuedAt'
    | 'startedAt'
    | 'endedAt'
    | 'parentRunId'
  > {
  readonly platform: string;
  readonly kind: NonNullable<Run['kind']>;
  /** With a prefix of its kind, so that it is no other run's. */
  readonly externalId: string;
  /** What runs again and again: its own id, and its name, which is the run's too. */
  readonly automation: { readonly externalId: string; readonly name: string | undefined };
  readonly repository: string;
  readonly repositoryId: string;
  readonly status: Run['status'];
  readonly statusAt: string;
  /** A deployment that changes where it goes at this time; absent: one that is running. */
  readonly underWay?: boolean;
}

/** What is left of a name in an id. Keys and addresses have limits in bytes. */
const MAX_ID_PART = 150;

/** `part`s of an id, of which the last may be any name. */
export const idOf = (...parts: readonly (string | number)[]): string => cut(parts.join('-'), MAX_ID_PART);

/** The run, and its automation where it begins or ends. */
export function factsOfSingleRun(told: SingleRun, origin: Origin): PlatformFacts {
  const { automation: definition, status, statusAt, platform, externalId, repository, underWay, ...rest } = told;
  const id = ids.run(platform, externalId, 1);
  const automationId = ids.automation(platform, definition.externalId);
  const run: RunFact = present({
    ...rest,
    id,
    status,
    statusAt,
    origin,
    platform,
    externalId,
    repository,
    name: definition.name,
    attempt: 1,
    automationId,
  });
  const { kind, environment } = told;
  const windows =
    kind === 'deployment' && (underWay ?? status === 'running')
      ? windowOfDeployment({ platform, repository, environment, runId: id, at: statusAt })
      : [];
  const facts = { ...noFacts(), runs: [run], ...(windows.length > 0 && { windows }) };
  if (status === 'running' || status === 'waiting') return facts;
  // What a person or a condition ended says nothing of how healthy the automation is.
  const counts = isEnded(status) && status !== 'canceled' && status !== 'skipped' && told.endedAt !== undefined;
  const automation: AutomationFact = present({
    id: automationId,
    statusAt,
    origin,
    platform,
    externalId: definition.externalId,
    repository,
    name: definition.name,
    recent: counts ? [{ runId: id, endedAt: told.endedAt as string, succeeded: status === 'succeeded' }] : [],
  });
  return { ...facts, automations: [automation] };
}

/** What could mend such a run, where that is more than a retry: only what the settings name is done. */
export const onlyAsNamed =
  (action: string) =>
  (run: Run, failed: readonly Job[]): RetryOption[] => {
    const { id: subject, externalId, attempt } = run;
    if (!isEnded(run.status) || failed.length === 0) return [];
    return [{ action, part: String(attempt), subject, externalId, attempt, jobs: failed }];
  };
