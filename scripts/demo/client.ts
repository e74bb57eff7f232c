import { setTimeout as sleep } from 'node:timers/promises';

/** An item of the API, as it comes. */
export type Item = Readonly<Record<string, unknown>> & { readonly id: string; readonly status: string };

/** The part of `GET /_local` that tells whether anything is left to do. */
export interface LocalStatus {
  readonly idle: boolean;
  readonly pending: Readonly<Record<string, number>>;
  readonly queues: readonly {
    readonly name: string;
    readonly visible: number;
    readonly inFlight: number;
    readonly delayed: number;
    readonly nextVisibleAt: string | null;
    readonly consumer: string | null;
  }[];
}

export interface Client {
  /** Undefined while the host does not answer. */
  local(): Promise<LocalStatus | undefined>;
  /** Every item of a resource, in pages. */
  all(resource: string, filters?: Readonly<Record<string, string>>): Promise<Item[]>;
  one(resource: string, id: string): Promise<Item>;
}

const PAGE = 200;
/** Longer than a killed host takes to be back. */
const PATIENCE_MS = 30_000;
const TIMEOUT_MS = 10_000;

export function createClient(url: string, token: string): Client {
  const get = (path: string): Promise<Response> =>
    fetch(new URL(path, url), {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });

  /** A gateway under load, or in chaos mode, turns requests away now and then; a host that restarts, all of them. */
  async function getJson<T>(path: string): Promise<T> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const response = await get(path).catch((error: unknown) => error as Error);
      if (response instanceof Response && response.ok) return (await response.json()) as T;
      const passing = response instanceof Error || response.status === 429 || response.status >= 500;
      if (!passing || performance.now() > deadline) {
        const why = response instanceof Error ? response.message : `${response.status} ${await response.text()}`;
        throw new Error(`GET ${path}: ${why}`);
      }
      await sleep(100);
    }
  }

  return {
    async local() {
      const response = await get('/_local').catch(() => undefined);
      return response?.ok ? ((await response.json()) as LocalStatus) : undefined;
    },
    async all(resource, filters = {}) {
      const items = new Map<string, Item>();
      let cursor: string | null = null;
      do {
        const query = new URLSearchParams({ ...filters, limit: String(PAGE), ...(cursor !== null && { cursor }) });
        const page: { items: Item[]; nextCursor: string | null } = await getJson(`/v1/${resource}?${query}`);
        for (const item of page.items) items.set(item.id, item);
        cursor = page.nextCursor;
      } while (cursor !== null);
      return [...items.values()];
    },
    one: (resource, id) => getJson(`/v1/${resource}/${encodeURIComponent(id)}`),
  };
}
