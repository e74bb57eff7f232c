import { setTimeout as sleep } from 'node:timers/promises';
import type { HostStatus } from '../../infra/local/index.ts';
import type { Forge, ManualClock } from './forges/index.ts';

/** QMOI over HTTP alone. */

/** A deadline, not a measure: nothing here takes this long unless it hangs. */
const PATIENCE_MS = 150_000;

/** Asks until the answer is neither false nor undefined; throws with what was waited for otherwise. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | false | undefined> | T | false | undefined,
  within = PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + within;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`not within ${within / 1000} s: ${what}`);
    await sleep(25);
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined when the body is not JSON. */
  readonly json: Record<string, unknown> | undefined;
}

export type Item = Record<string, unknown> & { id: string; status: string; version: number };
/** All items of every resource, by their ids. */
export type World = Record<string, Record<string, Item>>;

export const RESOURCES = [
  'deliveries',
  'runs',
  'jobs',
  'runners',
  'automations',
  'failures',
  'incidents',
  'remediations',
  'notifications',
  'activity',
  'controls',
  'sources',
  'completeness',
  'flaky',
] as const;
export type ResourceName = (typeof RESOURCES)[number];

/** As much of a forge as tells whether it is at rest. */
export type Traffic = Pick<Forge, 'calls' | 'sent' | 'pending'>;

/** A forge whose clock stands still: what waits for that clock is no work under way. */
export const frozen = (forge: Forge, clock: ManualClock): Traffic => ({
  calls: forge.calls,
  sent: forge.sent,
  pending: () => forge.pending() - clock.timers(),
});

interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** The master's unless told; undefined sends none. */
  readonly token?: string | undefined;
}

/** QMOI as a client sees it: an address and a token. */
export class Client {
  readonly url: string;
  readonly token: string;
  private readonly tries: number;

  constructor(url: string, token: string, tries = 1) {
    this.url = url;
    this.token = token;
    this.tries = tries;
  }

  async request(path: string, options: RequestOptions = {}): Promise<Answer> {
    const { method = 'GET', headers = {}, body } = options;
    const token = 'token' in options ? options.token : this.token;
    const response = await fetch(this.url + path, {
      method,
      headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
      ...(body !== undefined && { body: body as NonNullable<RequestInit['body']> }),
      redirect: 'manual',
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parsed(text) };
  }

  /** A read that has to succeed. */
  private async read(path: string): Promise<Record<string, unknown>> {
    for (let tries = 1; ; tries++) {
      const { status, text, json } = await this.request(path);
      if (status === 200 && json !== undefined) return json;
      // Under chaos the table may refuse for longer than the SDK has patience; a client asks again.
      if (status < 500 || tries >= this.tries) throw new Error(`GET ${path} answered ${status}: ${text}`);
    }
  }

  /** All items of a list, page by page. */
  async list(resource: ResourceName | 'outbox', query: Record<string, string> = {}): Promise<Item[]> {
    const items: Item[] = [];
    let cursor: string | null = null;
    do {
      const parameters = new URLSearchParams({ limit: '200', ...query, ...(cursor !== null && { cursor }) });
      const page = (await this.read(`/v1/${resource}?${parameters}`)) as { items: Item[]; nextCursor: string | null };
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    return items;
  }

  async get(resource: ResourceName, id: string): Promise<Item> {
    return (await this.read(`/v1/${resource}/${encodeURIComponent(id)}`)) as Item;
  }

  /** Everything the API shows, versions included. */
  async world(resources: readonly ResourceName[] = RESOURCES): Promise<World> {
    const lists = await Promise.all(
      resources.map(async (name) => {
        const items = await this.list(name);
        return [name, Object.fromEntries(items.map((item) => [item.id, item]))] as const;
      }),
    );
    return Object.fromEntries(lists);
  }

  control(scope: string, status: 'running' | 'paused' | 'stopped', reason?: string): Promise<Answer> {
    return this.request(`/v1/controls/${encodeURIComponent(scope)}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ status, ...(reason !== undefined && { reason }) }),
    });
  }

  async status(): Promise<HostStatus> {
    return (await this.read('/_local')) as unknown as HostStatus;
  }

  /**
   * Waits until neither QMOI nor any of the forges has work, and has made none for the other meanwhile. On the manual
   * clock, messages that wait for their time are what time is moved for.
   */
  async settled(...forges: readonly Traffic[]): Promise<void> {
    const traffic = () => forges.map((forge) => `${forge.calls.length}/${forge.sent.length}/${forge.pending()}`).join();
    let last: HostStatus | undefined;
    try {
      await until('everything at rest', async () => {
        const before = traffic();
        if (forges.some((forge) => forge.pending() > 0)) return false;
        for (let look = 0; look < 2; look++) {
          last = await this.status();
          if (!last.idle) {
            await this.moveOn(last);
            return false;
          }
        }
        return traffic() === before;
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}; QMOI holds ${JSON.stringify(last?.pending)}, forges ${traffic()}`);
    }
  }

  /** Moves a manual clock to when the next message may be seen, if that is all that QMOI waits for. */
  async moveOn(status?: HostStatus): Promise<void> {
    const { clock, pending, queues } = status ?? (await this.status());
    const { messages, ...others } = pending;
    if (clock.mode !== 'manual' || messages === 0 || Object.values(others).some((count) => count > 0)) return;
    const waiting = queues.filter(({ consumer }) => consumer !== null);
    if (waiting.some(({ visible }) => visible > 0)) return;
    const [now] = waiting.flatMap(({ nextVisibleAt }) => nextVisibleAt ?? []).sort();
    if (now === undefined || now <= clock.now) return;
    await this.request('/_local/clock', { method: 'POST', body: JSON.stringify({ now }) });
  }

  /** Lets time pass on the manual clock, a step at a time, and whatever falls due on the way get done. */
  async pass(minutes: number, forges: readonly Traffic[] = [], step = 1): Promise<void> {
    const end = Date.parse((await this.status()).clock.now) + minutes * 60_000;
    for (let now = 0; now < end; ) {
      now = Date.parse((await this.status()).clock.now);
      const to = new Date(Math.max(now, Math.min(end, now + step * 60_000))).toISOString();
      await this.request('/_local/clock', { method: 'POST', body: JSON.stringify({ now: to }) });
      await this.settled(...forges);
      now = Date.parse(to);
    }
  }

  /** Throws an access error that names function and action for every call that was refused, but for those expected. */
  async nothingDenied(expected: readonly string[] = []): Promise<void> {
    const denied = (await this.status()).denied.map((call) => `${call.function} ${call.action}`);
    const surprises = [...new Set(denied)].filter((call) => !expected.includes(call));
    if (surprises.length === 0) return;
    throw new Error(
      surprises.map((call) => `AccessDenied: ${call.replace(' ', ' is not authorized to perform ')}`).join('\n'),
    );
  }

  /** Write units of QMOI's functions so far. */
  async writeUnits(): Promise<number> {
    const { units } = await this.status();
    return units.reduce((sum, { write }) => sum + write, 0);
  }

  /** How often a metric was counted, over all dimensions that fit. */
  async metric(name: string, dimensions: Readonly<Record<string, string>> = {}): Promise<number> {
    const { metrics } = await this.status();
    return metrics
      .filter((series) => series.name === name)
      .filter((series) => Object.entries(dimensions).every(([key, value]) => series.dimensions[key] === value))
      .reduce((sum, series) => sum + series.sum, 0);
  }
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
