import type { Automation, RecentRun } from '../model/index.ts';
import { overdueAt } from '../schedule/index.ts';

/**
 * How an automation stands: a pure function of what is remembered of it and of the time, so that it is the same in whatever
 * order its facts came.
 *
 * - **disabled**: its platform said so, and nothing of it ran since.
 * - **silent**: it should have been heard of by now, by its schedule or else by its habit; or its platform did not start it.
 * - **failing**, **degraded**, **healthy**: by its last runs, harder to leave than to enter. One failure degrades, three in a
 *   row are failing. Of failing, one success makes degraded; two in a row make healthy. A single failure is forgiven by
 *   the success after it; more of them within the last five runs take two.
 */
export interface Standing {
  readonly status: Automation['status'];
  readonly statusAt: string;
  readonly reason: string | undefined;
  /** When it will be silent, unless it is heard of. */
  readonly wakeAt: string | undefined;
}

type Remembered = Pick<
  Automation,
  'platform' | 'recent' | 'lastRunAt' | 'lastBeatAt' | 'schedule' | 'disabledAt' | 'enabledAt' | 'off'
>;

export function standingOf(automation: Remembered, now: string): Standing {
  const { recent, disabledAt, enabledAt } = automation;
  const heard = heardAt(automation);
  if (disabledAt !== undefined && disabledAt > (enabledAt ?? '') && disabledAt > (heard ?? '')) {
    const { status, reason } =
      automation.off?.at === disabledAt
        ? automation.off
        : { status: 'disabled' as const, reason: 'its platform says that it is off' };
    return { status, statusAt: disabledAt, reason, wakeAt: undefined };
  }
  const due = dueBy(automation, heard);
  if (due !== undefined && due.at <= now) {
    return { status: 'silent', statusAt: due.at, reason: due.reason, wakeAt: undefined };
  }
  const { status, reason } = healthOf(recent);
  return { status, statusAt: recent.at(-1)?.endedAt ?? enabledAt ?? '', reason, wakeAt: due?.at };
}

const heardAt = ({ recent, lastRunAt, lastBeatAt }: Remembered): string | undefined =>
  [recent.at(-1)?.endedAt, lastRunAt, lastBeatAt]
    .filter((time) => time !== undefined)
    .sort()
    .at(-1);

type Health = 'healthy' | 'degraded' | 'failing';

const FAILING_AFTER = 3;
const HEALTHY_AFTER = 2;
const LOOKED_BACK = 5;

/** By the last runs alone, oldest first. Empty: nothing has ended yet, which is no complaint. */
export function healthOf(recent: readonly RecentRun[]): { status: Health; reason: string | undefined } {
  let status = 'healthy' as Health;
  let [failed, succeeded] = [0, 0];
  for (const [index, run] of recent.entries()) {
    failed = run.succeeded ? 0 : failed + 1;
    succeeded = run.succeeded ? succeeded + 1 : 0;
    if (!run.succeeded) {
      status = failed >= FAILING_AFTER || status === 'failing' ? 'failing' : 'degraded';
      continue;
    }
    const failures = recent.slice(Math.max(0, index + 1 - LOOKED_BACK), index + 1).filter((one) => !one.succeeded);
    if (succeeded >= HEALTHY_AFTER || (status === 'degraded' && failures.length === 1)) status = 'healthy';
    else if (status === 'failing') status = 'degraded';
  }
  const last = recent.at(-1);
  if (status === 'healthy' || last === undefined) return { status, reason: undefined };
  if (failed > 0) {
    const runs = failed === 1 ? 'its last run' : `its last ${failed} runs`;
    return {
      status,
      reason: `${runs} failed${failed < FAILING_AFTER && status === 'failing' ? ', after more of them' : ''}`,
    };
  }
  return { status, reason: 'its last run succeeded after several that failed; one more success makes it healthy' };
}

interface Due {
  readonly at: string;
  readonly reason: string;
}

/** By when it should have been heard of again. Undefined: neither schedule nor habit says. */
function dueBy(automation: Remembered, heard: string | undefined): Due | undefined {
  const { schedule } = automation;
  const since = heard === undefined ? 'it was never heard of' : `it was last heard of at ${heard}`;
  if (schedule !== undefined) {
    const at = overdueAt(schedule, heard ?? schedule.at);
    const when =
      schedule.cron === undefined ? `every ${spell(schedule.periodSeconds ?? 0)}` : `by the cron "${schedule.cron}"`;
    return at === undefined ? undefined : { at, reason: `it should run ${when}, and ${since}` };
  }
  const habit = habitOf(automation.recent);
  if (habit === undefined || heard === undefined) return undefined;
  // GitHub tells nobody when it does: https://docs.github.com/actions/managing-workflow-runs/disabling-and-enabling-a-workflow
  const hint =
    habit.scheduled && automation.platform === 'github'
      ? '; GitHub switches scheduled workflows off after 60 days without activity in their repository'
      : '';
  return {
    at: new Date(Date.parse(heard) + habit.patienceSeconds * 1000).toISOString(),
    reason: `it used to run every ${spell(habit.everySeconds)}, and ${since}${hint}`,
  };
}

export interface Habit {
  /** The median of the gaps between its runs. */
  readonly everySeconds: number;
  /** How long after a run it counts as overdue. */
  readonly patienceSeconds: number;
  /** It is its platform's schedule that makes it run. */
  readonly scheduled: boolean;
}

/** Fewer gaps make no habit. */
const MIN_GAPS = 5;
/** What runs whenever somebody pushes has no habit: nine gaps in ten are to be like the usual one. */
const REGULAR = 1.5;
/** Platforms start scheduled runs late when they are busy. */
const LEAST_SLACK_SECONDS = 30 * 60;

/** Learned from the quantiles of the gaps between runs: of those that a schedule started, else of all, if they are regular. */
export function habitOf(recent: readonly RecentRun[]): Habit | undefined {
  // A further attempt of a run is no sign of when the next run comes.
  const first = recent.filter(({ runId }) => runId.endsWith(':1'));
  const scheduled = first.filter((run) => run.scheduled === true);
  const bySchedule = scheduled.length > MIN_GAPS;
  const ends = (bySchedule ? scheduled : first).map(({ endedAt }) => Date.parse(endedAt) / 1000);
  const gaps = ends.slice(1).map((end, index) => end - (ends[index] ?? end));
  if (gaps.length < MIN_GAPS) return undefined;
  const [usual, longest] = [quantile(gaps, 0.5), quantile(gaps, 0.9)];
  if (!bySchedule && longest > REGULAR * usual) return undefined;
  const patience = Math.max((bySchedule ? 1.5 : 2) * longest, longest + LEAST_SLACK_SECONDS);
  return { everySeconds: usual, patienceSeconds: Math.round(patience), scheduled: bySchedule };
}

/** The nearest-rank quantile. Zero of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function spell(seconds: number): string {
  const [size, unit] = (
    [
      [86_400, 'd'],
      [3_600, 'h'],
      [60, 'min'],
    ] as const
  ).find(([size]) => seconds >= size) ?? [1, 's'];
  return `${Math.round((seconds / size) * 10) / 10} ${unit}`;
}
