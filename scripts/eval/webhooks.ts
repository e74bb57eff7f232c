import { TestHost } from '../../test/support/host.ts';
import { REASONS, type Reason } from './webhooks/carried.ts';
import {
  deliver,
  errorsOf,
  type Miss,
  type Outcome,
  type Planned,
  roundsOf,
  SENDERS,
  SETTINGS,
  send,
} from './webhooks/deliver.ts';
import { examplesIn } from './webhooks/examples.ts';

export interface EventScore {
  readonly platform: string;
  readonly event: string;
  readonly examples: number;
  readonly recorded: number;
  readonly ignored: number;
  /** Kept to be looked at, as it should be: no message of a version that QMOI speaks. */
  readonly quarantined: number;
  /** Fields of a run, job, deployment or runner that were found again in the API, of those looked for. */
  readonly fields: number;
  readonly found: number;
}

export interface WebhooksReport {
  readonly events: readonly EventScore[];
  readonly examples: number;
  readonly rounds: number;
  readonly fields: number;
  readonly found: number;
  readonly missed: readonly Miss[];
  /** Fields for which nobody has said where they go, or why nowhere. */
  readonly unaccounted: readonly string[];
  /** How many fields are not looked for, by the reason. */
  readonly notKept: Readonly<Record<string, number>>;
  /** Answers that were not what the example deserves, and whatever failed behind the answers. */
  readonly errors: readonly string[];
  readonly passed: boolean;
}

/** Puts every example through the endpoints of an embedded host, and looks for what it carries in the API. */
export async function evaluate(data: string): Promise<WebhooksReport | undefined> {
  const planned = examplesIn(data);
  if (planned === undefined) return undefined;
  const rounds = roundsOf(planned);
  const outcomes: Outcome[] = [];
  const errors: string[] = [];
  for (const round of rounds) {
    const host = await TestHost.boot({ settings: SETTINGS });
    try {
      outcomes.push(...(await deliver(host, round)));
      errors.push(...(await errorsOf(host, round)), ...host.complaints);
    } finally {
      await host.end();
    }
  }
  errors.push(...(await allAtOnce(planned)));
  return reportOf(outcomes, rounds.length, errors);
}

/** Once more, all on one host, so that the examples of one id meet each other. */
async function allAtOnce(planned: readonly Planned[]): Promise<string[]> {
  const host = await TestHost.boot({ settings: SETTINGS });
  try {
    for (const { example } of planned) {
      const request = SENDERS[example.platform]?.(example);
      if (request !== undefined) await send(host, request);
    }
    await host.settled();
    return [...(await errorsOf(host, planned)), ...host.complaints];
  } finally {
    await host.end();
  }
}

function reportOf(outcomes: readonly Outcome[], rounds: number, failures: readonly string[]): WebhooksReport {
  const events = new Map<string, EventScore>();
  const [unaccounted, notKept] = [new Set<string>(), new Map<Reason, number>()];
  const errors = [...failures];
  for (const { planned, verdict, found, missed } of outcomes) {
    const { platform, event, name } = planned.example;
    const key = `${platform} ${event}`;
    const before = events.get(key) ?? {
      platform,
      event,
      examples: 0,
      recorded: 0,
      ignored: 0,
      quarantined: 0,
      fields: 0,
      found: 0,
    };
    events.set(key, {
      ...before,
      examples: before.examples + 1,
      recorded: before.recorded + Number(verdict === 'received'),
      ignored: before.ignored + Number(verdict === 'ignored'),
      quarantined: before.quarantined + Number(verdict === 'quarantined'),
      fields: before.fields + found.length + missed.length,
      found: before.found + found.length,
    });
    if (verdict !== planned.expected) errors.push(`${key} ${name} was ${verdict}, not ${planned.expected}`);
    for (const field of planned.fields) {
      if (field.reason !== undefined) notKept.set(field.reason, (notKept.get(field.reason) ?? 0) + 1);
      else if (field.expected === undefined) unaccounted.add(`${key}: ${field.name}`);
    }
  }
  const missed = outcomes.flatMap((outcome) => outcome.missed);
  const found = outcomes.reduce((sum, outcome) => sum + outcome.found.length, 0);
  return {
    events: [...events.keys()].sort().flatMap((key) => events.get(key) ?? []),
    examples: outcomes.length,
    rounds,
    fields: found + missed.length,
    found,
    missed,
    unaccounted: [...unaccounted],
    notKept: Object.fromEntries(notKept),
    errors,
    passed: errors.length === 0 && missed.length === 0 && unaccounted.size === 0,
  };
}

export function render(report: WebhooksReport): string {
  const row = (cells: readonly (string | number)[]): string =>
    cells.map((cell, at) => (at < 2 ? String(cell).padEnd(at === 0 ? 14 : 30) : String(cell).padStart(12))).join('');
  const { examples, rounds, fields, found, errors, missed, unaccounted, notKept } = report;
  const reasons = Object.entries(notKept).map(
    ([reason, count]) => `  ${String(count).padStart(5)} ${REASONS[reason as Reason]}`,
  );
  const first = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : [`${title}:`, ...lines.slice(0, 40).map((line) => `  ${line}`)];
  return [
    `Webhooks: ${examples} examples through the endpoints of ${rounds} hosts, each on an empty table`,
    row(['platform', 'event', 'examples', 'recorded', 'ignored', 'quarantined', 'fields', 'found']),
    ...report.events.map(({ platform, event, examples, recorded, ignored, quarantined, fields, found }) =>
      row([platform, event, examples, recorded, ignored, quarantined, fields, found]),
    ),
    `${errors.length} errors; ${found} of ${fields} fields of runs, jobs, deployments and runners found in the API`,
    ...(reasons.length === 0 ? [] : ['Not looked for:', ...reasons]),
    ...first('Errors', errors),
    ...first(
      'Not found',
      missed.map(({ example, field, ...value }) => `${example} ${field}: ${JSON.stringify(value)}`),
    ),
    ...first('Nobody says where these go', unaccounted),
  ].join('\n');
}
