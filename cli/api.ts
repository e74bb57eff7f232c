import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandFailure, type Io } from './command.ts';

/** An answer that is an error, in the problem's own words. */
export class ApiProblem extends CommandFailure {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A QMOI that runs, asked through its REST API. */
export interface Api {
  readonly url: string;
  /** Throws an `ApiProblem` on anything but a 2xx, a `CommandFailure` when nothing answers. */
  get<T>(path: string): Promise<T>;
  put<T>(path: string, body: unknown): Promise<T>;
  delete<T>(path: string): Promise<T>;
  /** Without a body where the path says it all. */
  post<T>(path: string, body?: unknown): Promise<T>;
  /** Every item of a resource, newest first, in pages. */
  list<T>(resource: string, filters?: Readonly<Record<string, string>>): AsyncGenerator<T>;
}

const DEFAULT_URL = 'http://127.0.0.1:3000';
const TIMEOUT_MS = 30_000;
const PAGE = '200';

/** Options of every command that asks a QMOI, for `parseArgs`. */
export const apiOptions = { url: { type: 'string' }, token: { type: 'string' } } as const;
export const API_OPTIONS_HELP = `  --url URL         the QMOI to ask (default: QMOI_SERVER_URL, else ${DEFAULT_URL})
  --token TOKEN     the master's token (default: QMOI_MASTER_TOKEN, else what the embedded host keeps in its data folder)`;

export function connectApi(options: { url?: string | undefined; token?: string | undefined }, io: Io): Api {
  const base = options.url || io.env.QMOI_SERVER_URL || DEFAULT_URL;
  if (!URL.canParse(base)) throw new CommandFailure(`"${base}" is no address.`);
  const url = base.replace(/\/+$/, '');
  const token = options.token || io.env.QMOI_MASTER_TOKEN || localToken(io);
  if (token === undefined) {
    throw new CommandFailure('There is no token: set QMOI_MASTER_TOKEN, or run this where QMOI runs.');
  }
  const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.any([io.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    }).catch((error: Error) => {
      throw new CommandFailure(`${url} does not answer: ${reasonOf(error)}. Is QMOI running there?`);
    });
    if (!response.ok) throw new ApiProblem(response.status, `${method} ${path}: ${await problemOf(response)}`);
    return (await response.json()) as T;
  };
  const get = <T>(path: string) => ask<T>('GET', path);
  return {
    url,
    get,
    put: (path, body) => ask('PUT', path, body),
    delete: (path) => ask('DELETE', path),
    post: (path, body) => ask('POST', path, body),
    async *list<T>(resource: string, filters: Readonly<Record<string, string>> = {}) {
      for (let cursor: string | null = ''; cursor !== null; ) {
        const query: string = new URLSearchParams({ limit: PAGE, ...filters, ...(cursor && { cursor }) }).toString();
        const page: { items: T[]; nextCursor: string | null } = await get(`/v1/${resource}?${query}`);
        yield* page.items;
        cursor = page.nextCursor;
      }
    },
  };
}

function localToken(io: Io): string | undefined {
  const file = join(resolve(io.cwd, io.env.QMOI_DATA_DIR || '.qmoi'), 'master-token');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() || undefined : undefined;
}

const reasonOf = (error: Error): string =>
  error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;

async function problemOf(response: Response): Promise<string> {
  const text = await response.text().catch(() => '');
  try {
    const { title, detail } = JSON.parse(text) as { title?: string; detail?: string };
    return `${detail ?? title ?? text} (${response.status})`;
  } catch {
    return `${text.slice(0, 200).trim() || 'no reason given'} (${response.status})`;
  }
}
