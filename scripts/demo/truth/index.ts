import type { Act, PlannedJob, PlannedRun, Scenario, Stray, Trouble } from '../scenario/index.ts';
import { describe, name, type Outcome, outcomeRow, Tally } from './figures.ts';
import { isBad, isTried, type PlayedAttempt, play } from './play.ts';

export {
  describe,
  type Facts,
  type Figures,
  name,
  type Outcome,
  outcomeRow,
  ROW_NAMES,
  ROWS,
  type RowName,
  type Section,
  Tally,
} from './figures.ts';
export { isTried, play } from './play.ts';

interface Failure {
  readonly name: string;
  readonly trouble: Trouble;
  readonly good: boolean;
}

/**
 * What has to be the case once everything in the scenario has happened. It follows from the scenario and from how the
 * platforms work; nothing of QMOI's is asked or used.
 */
export function truthOf(scenario: Scenario): Outcome {
  const tally = new Tally();
  const facts: Record<string, string> = {};
  const failures: Failure[] = [];
  const runners = { hosted: new Set<string>(), 'self-hosted': new Set<string>() };

  for (const act of scenario.acts) {
    countStrays(tally, act.strays ?? []);
    tally.add('Deliveries: duplicates', act.duplicates);
    tally.add('Deliveries: sent', act.duplicates);
    for (const run of act.runs) {
      const attempts = play(run);
      countDeliveries(tally, attempts);
      countRun(tally, facts, run, attempts);
      countFixes(tally, facts, run, attempts);
      failures.push(...failuresOf(run, attempts));
      for (const { runner } of run.jobs) {
        if (runner !== undefined)
          runners[isHosted(run, runner.group) ? 'hosted' : 'self-hosted'].add(String(runner.id));
      }
    }
  }
  tally.add('Runners: hosted', runners.hosted.size);
  tally.add('Runners: self-hosted', runners['self-hosted'].size);
  for (const { name: failure, trouble, good } of failures) {
    tally.add(`Failures: ${trouble.category}`);
    if (good) tally.add('Failures: made good');
    facts[failure] = describe.failure(trouble);
  }
  countIncidents(tally, facts, failures);
  return { figures: tally.figures(), facts };
}

/** What becomes of a stray. A request that is turned away or ignored leaves nothing behind. */
const STRAYS: Readonly<Record<Stray, 'kept' | 'quarantined' | 'ignored' | 'turned away'>> = {
  'github-ping': 'kept',
  'github-unknown-event': 'ignored',
  'github-wrong-shape': 'quarantined',
  'github-bad-signature': 'turned away',
  'gitlab-unknown-event': 'ignored',
  'gitlab-bad-token': 'turned away',
};

function countStrays(tally: Tally, strays: readonly Stray[]): void {
  for (const stray of strays) {
    tally.add('Deliveries: sent');
    tally.add(`Deliveries: ${STRAYS[stray]}`);
  }
}

function countDeliveries(tally: Tally, attempts: readonly PlayedAttempt[]): void {
  for (const { deliveries } of attempts) {
    tally.add('Deliveries: sent', deliveries);
    tally.add('Deliveries: kept', deliveries);
  }
  // The last word on each rerun comes twice.
  if (attempts.length > 1) {
    tally.add('Deliveries: sent');
    tally.add('Deliveries: duplicates');
  }
}

const isHosted = (run: PlannedRun, group: string | undefined): boolean =>
  run.platform === 'github' ? group === 'GitHub Actions' : group === undefined;

function countRun(
  tally: Tally,
  facts: Record<string, string>,
  run: PlannedRun,
  attempts: readonly PlayedAttempt[],
): void {
  for (const { number, status, jobs } of attempts) {
    tally.add('Runs: all attempts');
    if (number > 1) tally.add('Runs: later attempts');
    tally.add(outcomeRow('Runs', status));
    facts[name.run(run.key, number)] = status;
    for (const played of jobs) {
      // GitLab lists a job once, whatever attempts it is part of, and revives it under its old id.
      if (run.platform === 'gitlab' && (played.copied || played.revived)) continue;
      const last = attempts.at(-1)?.jobs.find(({ job }) => job.name === played.job.name);
      const status = run.platform === 'gitlab' && last?.revived ? last.status : played.status;
      tally.add('Jobs: all attempts');
      tally.add(outcomeRow('Jobs', status));
    }
  }
}

/** GitHub reruns a run's failed jobs together, GitLab retries them one by one. */
function groupsOf(run: PlannedRun, attempt: PlayedAttempt): PlannedJob[][] {
  const bad = attempt.jobs
    .filter(({ job, status, copied }) => isBad(status) && !copied && job.allowFailure !== true)
    .map(({ job }) => job);
  if (bad.length === 0) return [];
  return run.platform === 'github' ? [bad] : bad.map((job) => [job]);
}

function countFixes(
  tally: Tally,
  facts: Record<string, string>,
  run: PlannedRun,
  attempts: readonly PlayedAttempt[],
): void {
  for (const attempt of attempts) {
    for (const jobs of groupsOf(run, attempt)) {
      const [first] = jobs;
      // Only a first attempt is ever tried again, so that a second failure is the master's.
      const fix = attempt.number > 1 ? 'refused' : (first?.trouble?.fix ?? 'refused');
      const tried = first !== undefined && attempt.number === 1 && isTried(first);
      if (tried) {
        tally.add('Fixes: tried');
        tally.add(run.platform === 'github' ? 'Asked for: reruns at GitHub' : 'Asked for: retries at GitLab');
      }
      if (fix !== 'none') tally.add(`Fixes: ${fix}`);
      facts[
        name.fix(
          run.platform,
          run.key,
          jobs.map((job) => job.name),
          attempt.number,
        )
      ] = fix;
    }
  }
}

function failuresOf(run: PlannedRun, attempts: readonly PlayedAttempt[]): Failure[] {
  return attempts.flatMap(({ number, jobs }) =>
    jobs.flatMap(({ job, status, copied }) => {
      if (!isBad(status) || copied || job.trouble === undefined) return [];
      const later = attempts.find((attempt) => attempt.number > number)?.jobs.find((other) => other.job === job);
      const good = later?.status === 'succeeded' && !later.copied;
      return [{ name: name.job(run.key, job.name, number), trouble: job.trouble, good }];
    }),
  );
}

function countIncidents(tally: Tally, facts: Record<string, string>, failures: readonly Failure[]): void {
  const incidents = new Map<string, Failure[]>();
  for (const failure of failures) {
    const { incident, fix } = failure.trouble;
    // What may fail is recorded, and is nobody's incident.
    if (fix === 'none') continue;
    incidents.set(incident, [...(incidents.get(incident) ?? []), failure]);
  }
  for (const members of incidents.values()) {
    const resolved = members.every(({ good }) => good);
    const escalated = members.some(({ trouble }) => trouble.fix === 'failed');
    const status = resolved ? 'resolved' : escalated ? 'escalated' : 'open';
    tally.add('Incidents: all');
    tally.add(`Incidents: ${status}`);
    tally.add('Notifications: incident opened');
    if (resolved) tally.add('Notifications: incident resolved');
    if (escalated) tally.add('Notifications: needs you');
    if (escalated && members.some(({ trouble }) => trouble.critical)) tally.add('Notifications: emergency');
    const names = members.map((member) => member.name);
    facts[name.incident(names)] = describe.incident(status, names);
  }
}

/** How many deliveries there are, each counted once; for the progress line. */
export const distinctDeliveries = (acts: readonly Act[]): number =>
  acts.reduce(
    (sum, act) =>
      sum +
      (act.strays?.length ?? 0) +
      act.runs.flatMap(play).reduce((inAct, attempt) => inAct + attempt.deliveries, 0),
    0,
  );
