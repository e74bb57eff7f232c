import { createHmac } from 'node:crypto';
import type { ForgeClock } from './clock.ts';
import { logOf } from './run-state.ts';
import type { Reply, Route } from './server.ts';
import type { Job } from './types.ts';

/** docs.github.com, "Download job logs": the link expires after one minute. */
const LINK_MS = 60_000;

/**
 * Where GitHub keeps job logs: a blob store on another host that knows signed links and nothing of GitHub's tokens.
 * It turns down a request that carries an Authorization header, so that a client that leaks one is found out.
 */
export class GithubLogStorage {
  readonly #clock: ForgeClock;
  readonly #key: string;
  readonly #jobs = new Map<string, Job>();
  #origin = '';

  constructor(clock: ForgeClock, key: string) {
    this.#clock = clock;
    this.#key = key;
  }

  serveFrom(origin: string): void {
    this.#origin = origin;
  }

  /** A link to the log, good for a minute; to a blob that does not exist while the log is not there. */
  link(job: Job, there: boolean): string {
    if (there) this.#jobs.set(String(job.id), job);
    const expires = new Date(this.#clock.now() + LINK_MS).toISOString();
    const query = new URLSearchParams({ se: expires, sp: 'r', sig: this.#sign(String(job.id), expires) });
    return `${this.#origin}/actions-results/logs/${job.id}.txt?${query}`;
  }

  routes(): Route[] {
    return [
      {
        method: 'GET',
        path: '/actions-results/logs/:file',
        handle: (request) => {
          if (request.headers.authorization !== undefined) {
            return xml(
              401,
              'InvalidAuthenticationInfo',
              'Authentication information is not given in the correct format.',
            );
          }
          const id = (request.params.file ?? '').replace(/\.txt$/, '');
          const expires = request.query.get('se') ?? '';
          if (request.query.get('sig') !== this.#sign(id, expires) || Date.parse(expires) < this.#clock.now()) {
            return xml(403, 'AuthenticationFailed', 'Server failed to authenticate the request.');
          }
          const found = this.#jobs.get(id);
          if (!found) return xml(404, 'BlobNotFound', 'The specified blob does not exist.');
          return ranged(request.headers.range, Buffer.from(githubLog(found)));
        },
      },
    ];
  }

  #sign(id: string, expires: string): string {
    return createHmac('sha256', this.#key).update(`${id}\n${expires}`).digest('base64');
  }
}

function xml(status: number, code: string, text: string): Reply {
  return {
    status,
    headers: { 'content-type': 'application/xml' },
    text: `\uFEFF<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${text}</Message></Error>`,
  };
}

/** Like the store: `bytes=from-to` works, a suffix range is ignored. */
function ranged(range: string | undefined, bytes: Buffer): Reply {
  const headers = { 'content-type': 'text/plain', 'accept-ranges': 'bytes' };
  const asked = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(range ?? '');
  if (!asked) return { status: 200, headers, text: bytes };
  const from = Number(asked[1]);
  const to = Math.min(asked[2] ? Number(asked[2]) : bytes.length - 1, bytes.length - 1);
  if (from > to) return { status: 416, headers: { ...headers, 'content-range': `bytes */${bytes.length}` } };
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${from}-${to}/${bytes.length}` },
    text: bytes.subarray(from, to + 1),
  };
}

const STAMPED = /^\uFEFF?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z /;

/** A log as GitHub serves it: a byte order mark, a time before every line, an error line where the job failed. */
export function githubLog(job: Job): string | Uint8Array {
  const log = logOf(job);
  if (typeof log !== 'string' || STAMPED.test(log)) return log;
  const lines = log.replace(/\n$/, '').split('\n');
  if (job.conclusion === 'failure' && !log.includes('##[error]'))
    lines.push('##[error]Process completed with exit code 1.');
  if (job.conclusion === 'cancelled') lines.push('##[error]The operation was canceled.');
  const start = job.startedAt ?? job.createdAt;
  const share = ((job.finishedAt ?? start) - start) / Math.max(lines.length, 1);
  const stamp = (index: number): string => new Date(start + share * index).toISOString().replace('Z', '0000Z');
  return `\uFEFF${lines.map((line, index) => `${stamp(index)} ${line}`).join('\n')}\n`;
}
