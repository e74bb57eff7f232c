import { isEnded, type Job, type Remediation, type Run } from '../model/index.ts';

/** How the attempt after a fix proves it, or undefined while it is undecided. */
export function proof(
  fix: Pick<Remediation, 'targets' | 'attempt'>,
  next: { run: Run | undefined; jobs: readonly Job[] },
  options: { runAlone: boolean },
): { succeeded: boolean; reason: string } | undefined {
  const ended = fix.targets.map((name) => ({
    name,
    job: next.jobs.find((job) => job.name === name && job.attempt === fix.attempt + 1 && isEnded(job.status)),
  }));
  const bad = ended.find(({ job }) => job !== undefined && job.status !== 'succeeded');
  if (bad?.job !== undefined) return { succeeded: false, reason: `${bad.name} ${bad.job.status} again` };
  if (ended.length > 0 && ended.every(({ job }) => job !== undefined)) {
    return { succeeded: true, reason: `${fix.targets.join(', ')} succeeded on attempt ${fix.attempt + 1}` };
  }
  // The jobs' own ends are better proof than the run's, so the run alone decides only once they are overdue.
  const runDecides = options.runAlone || ended.length === 0;
  if (!runDecides || next.run === undefined || !isEnded(next.run.status)) return undefined;
  const succeeded = next.run.status === 'succeeded';
  return { succeeded, reason: `attempt ${next.run.attempt} ${next.run.status}` };
}
