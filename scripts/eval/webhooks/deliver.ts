import { createHmac, randomUUID } from 'node:crypto';
import type { Client } from '../../../test/support/client.ts';
import {
  type EventTable,
  type Example,
  type Field,
  fieldsOf,
  type Item,
  type Json,
  objectIn,
  shown,
} from './carried.ts';

/** Puts examples through a host's real endpoints, signed, and looks for what they carry in its API. */

const SECRET = 'of-the-evaluation';
const SIGNING_KEY = Buffer.alloc(32, 5);
export const SETTINGS: Readonly<Record<string, string>> = {
  QMOI_GITHUB_WEBHOOK_SECRET: SECRET,
  QMOI_GITLAB_SIGNING_TOKEN: `whsec_${SIGNING_KEY.toString('base64')}`,
  QMOI_VERCEL_WEBHOOK_SECRET: SECRET,
  QMOI_EVENTS_TOKEN: SECRET,
};

export interface Request {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Into the host itself, as its master: what would come over the account's own bus. */
  readonly own?: boolean;
}
const JSON_TYPE = { 'content-type': 'application/json' };
/** What the platform itself would send. */
export const SENDERS: Readonly<Record<string, (example: Example) => Request>> = {
  github({ event, payload }) {
    const body = JSON.stringify(payload);
    return {
      path: '/webhooks/github',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'GitHub-Hookshot/044aadd',
        'x-github-event': event,
        'x-github-delivery': randomUUID(),
        'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`,
      },
      body,
    };
  },
  gitlab({ event, payload }) {
    const body = JSON.stringify(payload);
    const [id, seconds] = [randomUUID(), String(Math.floor(Date.now() / 1000))];
    const signature = createHmac('sha256', SIGNING_KEY).update(`${id}.${seconds}.${body}`).digest('base64');
    return {
      path: '/webhooks/gitlab',
      headers: {
        'content-type': 'application/json',
        'x-gitlab-event': event,
        'idempotency-key': id,
        'webhook-id': id,
        'webhook-timestamp': seconds,
        'webhook-signature': `v1,${signature}`,
      },
      body,
    };
  },
  vercel({ payload }) {
    const body = JSON.stringify(payload);
    const signature = createHmac('sha1', SECRET).update(body).digest('hex');
    return { path: '/webhooks/vercel', headers: { ...JSON_TYPE, 'x-vercel-signature': signature }, body };
  },
  /** A CloudEvent in its structured form. */
  events({ payload }) {
    const headers = { 'content-type': 'application/cloudevents+json', authorization: `Bearer ${SECRET}` };
    return { path: '/webhooks/events', headers, body: JSON.stringify(messageOf(payload)) };
  },
  braket: ({ payload }) => ({ path: '/_local/events', headers: JSON_TYPE, body: JSON.stringify(payload), own: true }),
};

/** The message that a CDEvent comes in. Its examples all have one id, by which all but the first would be repetitions. */
function messageOf(payload: Json): Json {
  const context = objectIn(payload, 'context');
  if (context === undefined) return payload;
  const { source, type, timestamp } = context;
  return { specversion: '1.0', id: randomUUID(), source, type, time: timestamp, data: payload };
}

/** `received`, `ignored`, `quarantined`, or the status code of a refusal. */
export type Verdict = string;

export interface Planned {
  readonly example: Example;
  readonly expected: 'received' | 'ignored' | 'quarantined';
  readonly fields: readonly Field[];
}

export function plan(example: Example, table: EventTable | undefined, isKept: boolean): Planned {
  if (table === undefined) return { example, expected: isKept ? 'received' : 'ignored', fields: [] };
  if (table.ignored?.(example.payload) !== undefined) return { example, expected: 'ignored', fields: [] };
  return { example, expected: 'received', fields: fieldsOf(table, example.payload) };
}

/** A field that the API does not show as the example has it. */
export interface Miss {
  readonly example: string;
  readonly field: string;
  readonly expected: unknown;
  readonly shown: unknown;
}
export interface Outcome {
  readonly planned: Planned;
  readonly verdict: Verdict;
  readonly found: readonly string[];
  readonly missed: readonly Miss[];
}

const keyOf = ({ resource, id }: Item): string => `${resource} ${id}`;
export const titleOf = ({ platform, event, name }: Example): string => `${platform} ${event} ${name}`;

/**
 * Examples that speak of the same run go to different rounds: the platforms' examples give one id to things that have
 * nothing to do with each other. A round is a host of its own.
 */
export function roundsOf(planned: readonly Planned[]): Planned[][] {
  const rounds: { members: Planned[]; taken: Set<string> }[] = [];
  for (const each of planned) {
    const items = each.fields.flatMap(({ expected }) => (expected === undefined ? [] : [keyOf(expected.of)]));
    let round = rounds.find(({ taken }) => !items.some((item) => taken.has(item)));
    if (round === undefined) {
      round = { members: [], taken: new Set() };
      rounds.push(round);
    }
    round.members.push(each);
    for (const item of items) round.taken.add(item);
  }
  return rounds.map(({ members }) => members);
}

export async function send(client: Client, request: Request): Promise<Verdict> {
  const { path, headers, body, own } = request;
  const answer = await client.request(path, { method: 'POST', headers, body, ...(!own && { token: undefined }) });
  const status = own ? answer.json?.id && 'received' : answer.json?.status;
  return answer.status < 300 && typeof status === 'string' ? status : String(answer.status);
}

/** One round: all sent, everything settled, every field looked for. */
export async function deliver(client: Client, round: readonly Planned[]): Promise<Outcome[]> {
  const verdicts: Verdict[] = [];
  for (const { example } of round) {
    const request = SENDERS[example.platform]?.(example);
    if (request === undefined) throw new Error(`there is no sender for ${example.platform}`);
    verdicts.push(await send(client, request));
  }
  await client.settled();
  const items = new Map<string, Json | undefined>();
  for (const { fields } of round) {
    for (const { expected } of fields) {
      if (expected !== undefined && !items.has(keyOf(expected.of))) {
        items.set(keyOf(expected.of), await itemOf(client, expected.of));
      }
    }
  }
  return round.map((planned, index) => {
    const found: string[] = [];
    const missed: Miss[] = [];
    for (const { name, expected } of planned.fields) {
      if (expected === undefined) continue;
      const value = shown(items.get(keyOf(expected.of)), expected.at);
      if (same(value, expected.value)) found.push(name);
      else missed.push({ example: titleOf(planned.example), field: name, expected: expected.value, shown: value });
    }
    return { planned, verdict: verdicts[index] ?? '?', found, missed };
  });
}

async function itemOf(client: Client, { resource, id }: Item): Promise<Json | undefined> {
  if (id.includes('*')) {
    const parts = id.split('*').map((part) => part.replace(/[^\w]/g, '\\$&'));
    const pattern = new RegExp(`^${parts.join('[0-9a-f]+')}$`);
    const items = await client.list(resource, { platform: id.split(':', 1)[0] ?? '' });
    return items.find((item) => pattern.test(item.id));
  }
  const answer = await client.request(`/v1/${resource}/${encodeURIComponent(id)}`);
  return answer.status === 200 ? answer.json : undefined;
}

/** The API shows null for what it does not know. */
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** What went wrong out of sight: messages that were given up on, deliveries that were not understood, refused calls. */
export async function errorsOf(client: Client, round: readonly Planned[] = []): Promise<string[]> {
  const { queues, failedDeliveries, denied } = await client.status();
  const dead = queues.filter(({ consumer, visible }) => consumer === null && visible > 0);
  const quarantined = await client.list('deliveries', { status: 'quarantined' });
  const expected = round.filter((planned) => planned.expected === 'quarantined').length;
  return [
    ...dead.map(({ name, visible }) => `${visible} messages in ${name}`),
    ...(quarantined.length === expected ? [] : quarantined).map(
      ({ id, reason }) => `${id} quarantined: ${String(reason)}`,
    ),
    ...failedDeliveries.map((failed) => `a failed delivery: ${JSON.stringify(failed)}`),
    ...denied.map((call) => `${call.function} may not ${call.action}`),
  ];
}
