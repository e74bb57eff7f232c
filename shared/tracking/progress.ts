import { type Automation, isEnded, type Run } from '../model/index.ts';
import { quantile } from './standing.ts';

/** How far a run is and when it will have ended, by how long its automation's runs took. Null: nothing can be said. */
export interface Progress {
  /** From 0 to 1, and 1 only when it has ended. */
  readonly progress: number | null;
  /** By when half of the runs that took as long as this one already has, had ended; and nine in ten of them. */
  readonly expectedEndAt: string | null;
  readonly latestEndAt: string | null;
}

const NOTHING: Progress = { progress: null, expectedEndAt: null, latestEndAt: null };
const NEARLY = 0.99;

/**
 * By quantiles of the past, not by its mean, which one hanging run would spoil. Runs that failed often ended early: they
 * count only where none has succeeded.
 */
export function progressOf(
  run: Pick<Run, 'id' | 'status' | 'startedAt'>,
  recent: Automation['recent'],
  now: string,
): Progress {
  if (isEnded(run.status)) return { ...NOTHING, progress: 1 };
  if (run.startedAt === undefined) return { ...NOTHING, progress: 0 };
  const others = recent.filter(({ runId, seconds }) => runId !== run.id && seconds !== undefined);
  const good = others.filter(({ succeeded }) => succeeded);
  const took = (good.length > 0 ? good : others).map(({ seconds = 0 }) => seconds);
  if (took.length === 0) return NOTHING;
  const elapsed = Math.max(0, (Date.parse(now) - Date.parse(run.startedAt)) / 1000);
  const longer = took.filter((seconds) => seconds > elapsed);
  // None of them ever took this long: it may end at any moment, or never.
  if (longer.length === 0) return { ...NOTHING, progress: NEARLY };
  const endAfter = (seconds: number) => new Date(Date.parse(run.startedAt ?? now) + seconds * 1000).toISOString();
  const expected = quantile(longer, 0.5);
  return {
    progress: Math.min(NEARLY, Math.round((elapsed / expected) * 100) / 100),
    expectedEndAt: endAfter(expected),
    latestEndAt: endAfter(quantile(longer, 0.9)),
  };
}
