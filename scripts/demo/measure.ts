import type { Client, Item } from './client.ts';
import { describe, name, type Outcome, outcomeRow, type RowName, Tally } from './truth/index.ts';
import type { World } from './world.ts';

const text = (item: Item | undefined, field: string): string => {
  const value = item?.[field];
  return typeof value === 'string' ? value : '';
};
const number = (item: Item, field: string): number => Number(item[field] ?? 0);

const byId = (items: readonly Item[]): Map<string, Item> => new Map(items.map((item) => [item.id, item]));

/** What QMOI's API and the forges say, in the words of the truth. */
export async function measure(world: World, client: Client): Promise<Outcome> {
  const tally = new Tally();
  const facts: Record<string, string> = {};
  const [deliveries, runs, jobs, runners, failures, incidents, fixes, notifications] = await Promise.all(
    ['deliveries', 'runs', 'jobs', 'runners', 'failures', 'incidents', 'remediations', 'notifications'].map(
      (resource) => client.all(resource),
    ),
  );
  const keyOf = (item: Item | undefined): string =>
    world.keyOf(text(item, 'platform'), text(item, 'externalId')) ?? `${text(item, 'platform')} ${item?.id ?? '?'}`;
  const runById = byId(runs ?? []);

  countAnswers(tally, world);
  for (const { status } of deliveries ?? []) {
    if (status === 'quarantined') tally.add('Deliveries: quarantined');
    else {
      tally.add('Deliveries: kept');
      if (status !== 'recorded') tally.add('Deliveries: unrecorded');
    }
  }
  for (const run of runs ?? []) {
    tally.add('Runs: all attempts');
    if (number(run, 'attempt') > 1) tally.add('Runs: later attempts');
    tally.add(outcomeRow('Runs', run.status));
    facts[name.run(keyOf(run), number(run, 'attempt'))] = run.status;
  }
  for (const job of jobs ?? []) {
    tally.add('Jobs: all attempts');
    tally.add(outcomeRow('Jobs', job.status));
  }
  for (const runner of runners ?? []) {
    tally.add(text(runner, 'kind') === 'hosted' ? 'Runners: hosted' : 'Runners: self-hosted');
  }

  const nameOfFailure = (failure: Item): string =>
    name.job(keyOf(runById.get(text(failure, 'runId'))), text(failure, 'name'), number(failure, 'attempt'));
  const members = new Map<string, string[]>();
  for (const failure of failures ?? []) {
    const category = text(failure, 'category');
    tally.add(failure.status === 'diagnosed' ? (`Failures: ${category}` as RowName) : 'Failures: undiagnosed');
    if (failure.resolvedAt !== null) tally.add('Failures: made good');
    facts[nameOfFailure(failure)] = describe.failure({
      category,
      cause: text(failure, 'cause'),
      transient: failure.transient as boolean | null,
    });
    const incident = text(failure, 'incidentId');
    members.set(incident, [...(members.get(incident) ?? []), nameOfFailure(failure)]);
  }
  for (const incident of incidents ?? []) {
    const names = members.get(incident.id) ?? [];
    tally.add('Incidents: all');
    tally.add(`Incidents: ${incident.status}` as RowName);
    // One that no failure belongs to must not hide another one's.
    facts[names.length > 0 ? name.incident(names) : `incident ${incident.id}`] = describe.incident(
      incident.status,
      names,
    );
  }
  countFixes(tally, facts, fixes ?? [], (fix) => keyOf(runById.get(text(fix, 'runId'))));
  countAsked(tally, world);
  countNotifications(tally, notifications ?? []);
  return { figures: tally.figures(), facts };
}

/** What the forges were answered, and so what the senders know. */
function countAnswers(tally: Tally, world: World): void {
  for (const { status, body } of world.sent()) {
    // Not taken: the forge sends it again.
    if (status === 0 || status === 429 || status >= 500) continue;
    tally.add('Deliveries: sent');
    if (status === 401) tally.add('Deliveries: turned away');
    if (status === 200 && body.includes('"duplicate"')) tally.add('Deliveries: duplicates');
    if (status === 202 && body.includes('"ignored"')) tally.add('Deliveries: ignored');
  }
}

const FIX: Readonly<Record<string, 'verified' | 'failed' | 'refused' | undefined>> = {
  succeeded: 'verified',
  failed: 'failed',
  refused: 'refused',
};

function countFixes(
  tally: Tally,
  facts: Record<string, string>,
  fixes: readonly Item[],
  keyOf: (fix: Item) => string,
): void {
  for (const fix of fixes) {
    const ended = FIX[fix.status];
    tally.add(`Fixes: ${ended ?? 'undecided'}`);
    if (ended !== 'refused') tally.add('Fixes: tried');
    const targets = (fix.targets ?? []) as string[];
    facts[name.fix(text(fix, 'platform'), keyOf(fix), targets, number(fix, 'attempt'))] = ended ?? fix.status;
  }
}

/** From the forges' own books: what was really asked of them. */
function countAsked(tally: Tally, world: World): void {
  const asked = new Map<string, number>();
  for (const forge of world.forges) {
    for (const effect of forge.effects) {
      tally.add(forge.platform === 'github' ? 'Asked for: reruns at GitHub' : 'Asked for: retries at GitLab');
      const subject = `${forge.platform}:${effect.runId}:${effect.jobId ?? ''}`;
      asked.set(subject, (asked.get(subject) ?? 0) + 1);
    }
  }
  tally.add('Asked for: runs asked for twice', [...asked.values()].filter((count) => count > 1).length);
}

const MESSAGES: Readonly<Record<string, RowName>> = {
  'incident.open': 'Notifications: incident opened',
  'incident.resolved': 'Notifications: incident resolved',
  'incident.escalated': 'Notifications: needs you',
};

function countNotifications(tally: Tally, notifications: readonly Item[]): void {
  for (const notification of notifications) {
    const row = MESSAGES[text(notification, 'event')];
    if (notification.status !== 'sent' || row === undefined) tally.add('Notifications: not sent');
    else tally.add(text(notification, 'route') === 'emergency' ? 'Notifications: emergency' : row);
  }
}
