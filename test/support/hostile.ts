import { createHmac } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import examples from '@octokit/webhooks-examples';
import { FAKES } from './contract/fakes.ts';
import type { ContractDelivery } from './contract/kept.ts';
import { type Random, random } from './forges/random.ts';

/** Requests that somebody made to do harm: real ones, changed where it may hurt. Seeded, so that each can be made again. */

export interface HostileRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** What was done to it, for whoever has to look into it. */
  readonly changes: readonly string[];
}

export interface Hostile {
  /** The real requests that the others are made of. */
  readonly seeds: readonly ContractDelivery[];
  readonly settings: Readonly<Record<string, string>>;
  next(): HostileRequest;
  /** The same request with another proof of who sent it, which is none. */
  forged(request: HostileRequest, proofs: readonly string[]): HostileRequest;
}

/** How many requests are made of a platform: `QMOI_HOSTILE` of them, or as many as a suite has time for. */
export const hostileCount = (usual: number): number => Number(process.env.QMOI_HOSTILE ?? usual);
export const hostileSeed = process.env.QMOI_HOSTILE_SEED ?? String(Date.now() % 1_000_000);

/** Payloads of others that lie beside the checkout, where they do. */
const DATA = join('..', 'shared', 'data');
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  gitlab: ['webhooks/xanzy-go-gitlab/testdata/webhooks', 'webhooks/xanzy-go-gitlab/testdata/systemhooks'],
  vercel: ['events/vercel'],
  braket: ['events/braket'],
};

export async function hostileTo(platform: string, seed: string): Promise<Hostile> {
  const opened = await FAKES[platform]?.[0]?.();
  if (opened === undefined) throw new Error(`${platform} has no fake`);
  const { deliveries } = await opened.failure({ log: 'no' });
  await opened.close();
  const seeds = [...deliveries, ...others(platform, deliveries[0] as ContractDelivery)];
  const values = seeds.map(({ body }) => body);
  const dice = random(`${platform} ${seed}`);
  return {
    seeds,
    settings: opened.settings,
    next: () => mutated(pick(dice, seeds), values, dice),
    forged: (request, proofs) => forged(request, proofs, dice),
  };
}

function others(platform: string, like: ContractDelivery): ContractDelivery[] {
  const withBody = (event: string, payload: unknown, header?: string): ContractDelivery => ({
    event,
    headers: { ...like.headers, ...(header !== undefined && { [header]: event }) },
    body: JSON.stringify(payload),
  });
  if (platform === 'github') {
    const all = examples as unknown as { name: string; examples: unknown[] }[];
    const telling = /^(workflow_|check_|status$|deployment|push$|ping$|meta$|installation|repository_dispatch$)/;
    return all
      .filter(({ name }) => telling.test(name))
      .flatMap(({ name, examples: each }) => each.map((payload) => withBody(name, payload, 'x-github-event')));
  }
  return (FOLDERS[platform] ?? []).flatMap((folder) => {
    const path = join(DATA, folder);
    if (!existsSync(path)) return [];
    const files = readdirSync(path).filter((name) => name.endsWith('.json'));
    return files.map((name) => {
      const payload = JSON.parse(readFileSync(join(path, name), 'utf8')) as { object_kind?: string; type?: string };
      return withBody(
        payload.type ?? EVENT_OF_KIND[payload.object_kind ?? ''] ?? like.event,
        payload,
        'x-gitlab-event',
      );
    });
  });
}

const EVENT_OF_KIND: Readonly<Record<string, string>> = {
  pipeline: 'Pipeline Hook',
  build: 'Job Hook',
  deployment: 'Deployment Hook',
  release: 'Release Hook',
  push: 'Push Hook',
};

const pick = <T>(dice: Random, items: readonly T[]): T => items[dice.int(0, items.length - 1)] as T;
const chance = (dice: Random, oneIn: number): boolean => dice.int(1, oneIn) === 1;

/** Values that have broken programs before. */
const VALUES: readonly ((dice: Random) => unknown)[] = [
  () => null,
  () => true,
  () => 0,
  () => -1,
  () => 1.5,
  () => 2 ** 53,
  () => 1e308,
  () => -1e308,
  () => '',
  () => ' ',
  () => '0',
  () => '-1',
  () => '99999999999999999999999999',
  () => 'x'.repeat(70_000),
  () => '\u{1F4A5}'.repeat(300),
  () => '\ud800',
  () => 'a\u0000b',
  () => '\u202e\u0007\u001b[31m',
  () => '__proto__',
  () => 'constructor',
  () => '../../../etc/passwd',
  () => 'a:b#c/d?e&f%00',
  () => ':'.repeat(200),
  () => 'javascript:alert(1)',
  () => `http://${'a'.repeat(3_000)}`,
  () => 'http://[::1',
  () => '9999-99-99T99:99:99Z',
  () => '+275760-09-13T00:00:00Z',
  () => '0001-01-01 00:00:00 UTC',
  () => `2026-01-01T00:00:00.${'1'.repeat(40_000)}Z`,
  () => `2026-01-01 00:00:00${' '.repeat(40_000)}x`,
  () => `${'(a'.repeat(5_000)}${'a'.repeat(30_000)}!`,
  () => "'; DROP TABLE runs; --",
  () => '$'.concat('{jndi:ldap://127.0.0.1/a}'),
  () => ({}),
  () => [],
  () => [[]],
  () => ({ toString: 'x', valueOf: null, length: -1 }),
  () => JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}') as unknown,
  // The changes may double it thrice, and what makes JSON of it here is recursive itself.
  () => nested(500),
  (dice) => Array.from({ length: 5_000 }, (_, index) => (dice.int(0, 1) === 0 ? index : { id: index })),
  () => Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`key${index}`, index])),
];

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
  readonly path: string;
}

/** Every place in a payload that holds a value. */
function placesIn(value: unknown, path = '', found: Place[] = [], depth = 0): Place[] {
  if (value === null || typeof value !== 'object' || depth > 30) return found;
  for (const key of Object.keys(value)) {
    const place = { holder: value as Record<string, unknown>, key, path: `${path}.${key}` };
    found.push(place);
    placesIn(place.holder[key], place.path, found, depth + 1);
  }
  return found;
}

type Change = (payload: { value: unknown }, others: readonly string[], dice: Random) => string;

const at = (payload: { value: unknown }, dice: Random): Place | undefined => {
  const places = placesIn(payload.value);
  return places.length === 0 ? undefined : pick(dice, places);
};

/** Changes to a payload that leave it JSON. */
const CHANGES: readonly Change[] = [
  function replace(payload, _, dice) {
    const place = at(payload, dice);
    const index = dice.int(0, VALUES.length - 1);
    if (place !== undefined) place.holder[place.key] = VALUES[index]?.(dice);
    return `${place?.path} becomes value ${index}`;
  },
  function remove(payload, _, dice) {
    const place = at(payload, dice);
    if (place !== undefined) delete place.holder[place.key];
    return `${place?.path} is left out`;
  },
  function rename(payload, _, dice) {
    const place = at(payload, dice);
    const name = pick(dice, ['__proto__', 'constructor', 'toString', '', 'length', 'hasOwnProperty']);
    if (place !== undefined && !Array.isArray(place.holder)) {
      const { [place.key]: value } = place.holder;
      delete place.holder[place.key];
      Object.defineProperty(place.holder, name, { value, enumerable: true, configurable: true, writable: true });
    }
    return `${place?.path} is called ${name}`;
  },
  function swap(payload, _, dice) {
    const [one, two] = [at(payload, dice), at(payload, dice)];
    if (one !== undefined && two !== undefined) {
      const copy = structuredClone(two.holder[two.key]);
      one.holder[one.key] = copy;
    }
    return `${one?.path} becomes ${two?.path}`;
  },
  function splice(payload, others, dice) {
    const place = at(payload, dice);
    const foreign = at({ value: parsed(pick(dice, others)) }, dice);
    if (place !== undefined && foreign !== undefined) place.holder[place.key] = foreign.holder[foreign.key];
    return `${place?.path} becomes the ${foreign?.path} of another`;
  },
  function repeat(payload, _, dice) {
    const place = at(payload, dice);
    const value = place?.holder[place.key];
    if (place !== undefined && Array.isArray(value) && value.length < 50)
      place.holder[place.key] = Array(200).fill(value).flat();
    return `${place?.path} is repeated`;
  },
  function whole(payload, _, dice) {
    payload.value = pick(dice, VALUES)(dice);
    return 'it is another value altogether';
  },
];

/** Changes to the bytes. */
const BYTES: readonly ((body: Buffer, dice: Random) => Buffer)[] = [
  () => Buffer.alloc(0),
  (body, dice) => body.subarray(0, dice.int(0, body.length)),
  (body) => Buffer.concat([Buffer.from('\ufeff'), body]),
  (body) => Buffer.concat([body, body]),
  (body, dice) => {
    const copy = Buffer.from(body);
    for (let flips = 0; flips < 8 && copy.length > 0; flips++) copy[dice.int(0, copy.length - 1)] = dice.int(0, 255);
    return copy;
  },
  () => Buffer.from('['.repeat(100_000)),
  () => Buffer.from(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`),
  (_, dice) => Buffer.from(dice.hex(2_000), 'hex'),
  () => Buffer.from('null'),
  () => Buffer.from('"text"'),
  () => Buffer.from(`{"id":${'9'.repeat(10_000)}}`),
  (body) => Buffer.from(`payload=${encodeURIComponent(body.toString('latin1'))}`),
  () => Buffer.from(`payload=%ff%fe%zz&payload=${'%7b'.repeat(10_000)}`),
  (body) => Buffer.from(body.toString('utf8'), 'utf16le'),
];

const HEADER_VALUES: readonly string[] = [
  '',
  ' ',
  '0',
  'constructor',
  '__proto__',
  'toString',
  'x'.repeat(9_000),
  'a,b',
  '../..',
  'text/plain',
  'application/json; charset=utf-16',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  '%00',
  '\u00ff\u00fe',
  "' or 1=1",
];

/** None of them is a part of what is signed in the seeds. */
const ID_HEADERS = ['x-github-delivery', 'idempotency-key'] as const;
let made = 0;

function mutated(seed: ContractDelivery, others: readonly string[], dice: Random): HostileRequest {
  const changes: string[] = [`made of ${seed.event}`];
  const payload = { value: payloadIn(seed) };
  const number = ++made;
  // Each is a delivery of its own, or most of them would be answered as repetitions.
  const own = payload.value as { id?: unknown } | null | undefined;
  if (typeof own?.id === 'string') own.id += `-${number}`;
  for (let left = dice.int(0, 3); left > 0; left--) changes.push(pick(dice, CHANGES)(payload, others, dice));
  let body = Buffer.from(textOf(payload.value, seed));
  if (chance(dice, 6)) {
    const index = dice.int(0, BYTES.length - 1);
    body = (BYTES[index] as (typeof BYTES)[number])(body, dice) as typeof body;
    changes.push(`bytes ${index}`);
  }
  const headers: Record<string, string | undefined> = { ...seed.headers };
  for (const name of ID_HEADERS) if (headers[name] !== undefined) headers[name] = `hostile-${number}`;
  if (chance(dice, 4)) {
    const name = pick(dice, Object.keys(headers));
    const value = chance(dice, 3) ? undefined : pick(dice, HEADER_VALUES);
    headers[name] = value;
    changes.push(`header ${name}: ${value?.slice(0, 40)}`);
  }
  return { headers, body, changes };
}

const isForm = ({ headers }: ContractDelivery): boolean => (headers['content-type'] ?? '').includes('urlencoded');
const payloadIn = (seed: ContractDelivery): unknown =>
  parsed(isForm(seed) ? (new URLSearchParams(seed.body).get('payload') ?? '') : seed.body);

function textOf(value: unknown, seed: ContractDelivery): string {
  const text = JSON.stringify(value) ?? '';
  return isForm(seed) ? new URLSearchParams({ payload: text }).toString() : text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function forged(request: HostileRequest, proofs: readonly string[], dice: Random): HostileRequest {
  const name = pick(dice, proofs);
  const real = request.headers[name] ?? '';
  const without: Record<string, string | undefined> = { ...request.headers };
  const last = real.at(-1)?.toLowerCase();
  const fakes: readonly (string | undefined)[] = [
    undefined,
    '',
    real.slice(0, -1),
    `${real}0`,
    `${real}${real}`,
    // Not the same letter in another case: hexadecimal digits have none.
    `${real.slice(0, -1)}${last === 'b' ? 'c' : 'b'}`,
    dice.hex(40),
    `sha256=${dice.hex(64)}`,
    `v1,${dice.hex(44)}`,
    'null',
    'undefined',
    'x'.repeat(9_000),
  ];
  const fake = pick(
    dice,
    fakes.filter((value) => value !== real),
  );
  without[name] = fake;
  return { ...request, headers: without, changes: [...request.changes, `forged ${name}: ${fake?.slice(0, 40)}`] };
}

const hmac =
  (header: string, algorithm: string, prefix = '') =>
  ({ headers, body, changes }: HostileRequest, secret: string): HostileRequest => ({
    headers: { ...headers, [header]: `${prefix}${createHmac(algorithm, secret).update(body).digest('hex')}` },
    body,
    changes,
  });
const SIGN: Readonly<Record<string, (request: HostileRequest, secret: string) => HostileRequest>> = {
  github: hmac('x-hub-signature-256', 'sha256', 'sha256='),
  vercel: hmac('x-vercel-signature', 'sha1'),
};

/** The request as one who knows the secret sends it; of a platform whose proof is not one of the body, as it is. */
export const signedBy = (platform: string, request: HostileRequest, settings: Hostile['settings']): HostileRequest =>
  SIGN[platform]?.(request, settings[`QMOI_${platform.toUpperCase()}_WEBHOOK_SECRET`] ?? '') ?? request;

/** What can be sent by HTTP: Node refuses to send the rest. */
export function sendable({ headers }: HostileRequest): Record<string, string> {
  const fit = Object.entries(headers).filter(
    ([, value]) => value !== undefined && /^[\t\x20-\x7e\x80-\xff]*$/.test(value),
  );
  return Object.fromEntries(fit) as Record<string, string>;
}
