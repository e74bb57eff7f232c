import { randomUUID } from 'node:crypto';
import { ACCOUNT, REGION } from '../kernel.ts';
import { createState, type Entry, type PendingFiring } from './state.ts';
import { afterFailure, assertTarget, deadLetter, handOver, isoSeconds, payloadOf } from './target.ts';
import { type Expression, latestDue, parseExpression, type Timetable } from './timetable.ts';
import type { ScheduleDefinition, ScheduledRule, Scheduler, SchedulerOptions } from './types.ts';

/** A last firing further ahead than this is from a clock that was wrong or driven; waiting until it has caught up would be silence. */
const CLOCK_TOLERANCE_MS = 3_600_000;

interface Live {
  readonly definition: ScheduleDefinition | ScheduledRule;
  /** Undefined for a rule, whose targets the bus knows. */
  readonly schedule: ScheduleDefinition | undefined;
  readonly expression: Expression;
  /** Whatever decides about due times; when it changes, the schedule counts anew. */
  readonly as: string;
  table: Timetable | undefined;
  nextAt: number | null;
  cancel: (() => void) | undefined;
}

/**
 * Fires once for everything that fell due since it last looked, be it down, asleep or its clock moved: for the last of the missed
 * times, as a schedule's targets look at the present and not at each minute that passed. Due times that were accepted are never
 * accepted again; an accepted firing is handed over at least once.
 */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { journal, clock, bus, newId = randomUUID } = options;
  const lives = [
    ...options.schedules.map((schedule) => liveOf(schedule, schedule)),
    ...options.rules.map((rule) => liveOf(rule, undefined)),
  ];
  const byArn = new Map(lives.map((live) => [live.definition.arn, live]));
  const state = createState();
  const log = journal.log<Entry>('scheduler', state);
  const retries = new Map<string, () => void>();
  let stopped = false;

  function start(): void {
    for (const arn of [...state.known.keys()]) if (!byArn.has(arn)) log.append({ t: 'gone', arn });
    for (const firing of state.pending.values()) retryAt(firing);
    for (const live of lives) {
      const { arn, enabled = true } = live.definition;
      const now = clock.now();
      const known = state.known.get(arn);
      if (known?.as !== live.as || Math.max(known.since, known.last ?? 0) > now + CLOCK_TOLERANCE_MS) {
        log.append({ t: 'seen', arn, as: live.as, at: now });
      }
      if (!enabled) continue;
      live.table = live.expression(state.known.get(arn)?.since ?? now);
      look(live);
    }
  }

  /** Accepts what is due and waits for what is next. */
  function look(live: Live): void {
    if (stopped || !live.table) return;
    const { arn } = live.definition;
    const due = latestDue(live.table, lookedUntil(arn), clock.now());
    if (due !== null) accept(live, due);
    live.nextAt = live.table.next(lookedUntil(arn));
    if (live.nextAt !== null) live.cancel = clock.at(live.nextAt, () => look(live));
  }

  function lookedUntil(arn: string): number {
    const { since = 0, last } = state.known.get(arn) ?? {};
    return last ?? since - 1;
  }

  function accept(live: Live, due: number): void {
    const { arn } = live.definition;
    const id = newId();
    log.append({ t: 'due', id, arn, due, acceptedAt: clock.now() });
    const firing = state.pending.get(id);
    if (firing) attempt(firing);
  }

  function retryAt(firing: PendingFiring): void {
    retries.set(
      firing.id,
      clock.at(firing.retryAt, () => {
        retries.delete(firing.id);
        attempt(firing);
      }),
    );
  }

  function attempt(firing: PendingFiring): void {
    const { schedule, definition } = byArn.get(firing.arn) ?? {};
    if (schedule) {
      // Nobody may be told of a journal that was closed in the meantime: the firing is kept, and handed over after the restart.
      void deliver(schedule, firing).catch((error: unknown) => {
        if (!stopped) throw error;
      });
    } else if (definition) {
      trigger(definition, firing);
    }
  }

  function trigger({ arn }: ScheduledRule, firing: PendingFiring): void {
    bus.trigger(
      arn,
      {
        version: '0',
        id: firing.id,
        'detail-type': 'Scheduled Event',
        source: 'aws.events',
        account: ACCOUNT,
        time: isoSeconds(firing.due),
        region: REGION,
        resources: [arn],
        detail: {},
      },
      firing.id,
    );
    // The bus journals before it returns, so its entry is before this one.
    log.append({ t: 'done', id: firing.id });
  }

  async function deliver(schedule: ScheduleDefinition, firing: PendingFiring): Promise<void> {
    const payload = payloadOf(schedule, firing);
    try {
      await handOver(options, schedule, payload);
    } catch (error) {
      if (stopped) return;
      const failed = { ...firing, attempts: firing.attempts + 1 };
      const next = afterFailure(schedule, failed, error, clock.now());
      if ('retryAt' in next) {
        log.append({ t: 'failed', id: firing.id, attempts: failed.attempts, retryAt: next.retryAt });
        retryAt(firing);
        return;
      }
      const deadLettered = deadLetter(options, schedule, failed, payload, next);
      log.append({ t: 'done', id: firing.id });
      options.onFailed?.({
        service: 'scheduler',
        sourceArn: schedule.arn,
        targetArn: schedule.target.arn,
        error: `${next.code}: ${next.message}`,
        attempts: failed.attempts,
        deadLettered,
      });
      return;
    }
    log.append({ t: 'done', id: firing.id });
  }

  return {
    start,
    stop() {
      stopped = true;
      for (const live of lives) live.cancel?.();
      for (const cancel of retries.values()) cancel();
      retries.clear();
    },
    next: () =>
      lives.map(({ definition: { name, arn, expression }, nextAt }) => ({
        name,
        arn,
        expression,
        nextAt: isoOrNull(nextAt),
        lastAt: isoOrNull(state.known.get(arn)?.last),
      })),
    pending: () => state.pending.size,
  };
}

function liveOf(definition: ScheduleDefinition | ScheduledRule, schedule: ScheduleDefinition | undefined): Live {
  const { name, expression: text, enabled = true } = definition;
  const { timezone, startDate, endDate } = schedule ?? {};
  try {
    if (schedule) assertTarget(schedule);
    const expression = parseExpression(text, {
      service: schedule ? 'scheduler' : 'events',
      ...(timezone === undefined ? {} : { timezone }),
      ...(startDate === undefined ? {} : { startDate }),
      ...(endDate === undefined ? {} : { endDate }),
    });
    const as = JSON.stringify([text, timezone ?? 'UTC', startDate ?? null, endDate ?? null, enabled]);
    return { definition, schedule, expression, as, table: undefined, nextAt: null, cancel: undefined };
  } catch (error) {
    throw new Error(`The schedule of ${name}, ${text}, cannot be kept: ${(error as Error).message}.`);
  }
}

function isoOrNull(instant: number | null | undefined): string | null {
  return instant === null || instant === undefined ? null : new Date(instant).toISOString();
}
