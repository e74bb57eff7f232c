import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Job } from '../../../../shared/model/index.ts';
import { github } from '../../../../shared/platforms/github/index.ts';
import {
  LogNotReady,
  LogUnavailable,
  type PlatformClient,
  PlatformUnavailable,
} from '../../../../shared/platforms/index.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

interface Call {
  method: string | undefined;
  url: string | undefined;
  authorization: string | undefined;
}
async function serve(listener: RequestListener): Promise<{ origin: string; calls: Call[] }> {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    calls.push({ method: request.method, url: request.url, authorization: request.headers.authorization });
    listener(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls };
}
async function clientOf(url: string): Promise<PlatformClient> {
  const client = await github.client(async () => ({ 'github-token': 'ghp_secret', 'github-api-url': url }));
  if (client === undefined) throw new Error('no client');
  return client;
}
const json = (status: number, body: unknown, headers: Record<string, string> = {}): RequestListener => {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
};

const jobEndedAgo = (ms: number) =>
  ({
    repository: 'octo-org/octo-repo',
    externalId: '11',
    endedAt: new Date(Date.now() - ms).toISOString(),
  }) as Job;
const rerun = {
  action: 'rerun-failed-jobs',
  repository: 'octo-org/octo-repo',
  repositoryId: '7',
  externalId: '5',
  runId: 'github:5:1',
  attempt: 1,
  subject: 'github:5:1',
};
async function textOf(log: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks = [];
  for await (const chunk of log) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
const readLog = async (client: PlatformClient, job = jobEndedAgo(1000), maxBytes = 1000) =>
  textOf(await client.jobLog(job, { maxBytes }));

describe('the client', () => {
  it('is none without a token', async () => {
    expect(await github.client(async () => ({}))).toBeUndefined();
    expect(await github.client(async () => ({ 'github-token': ' ' }))).toBeUndefined();
  });
});

describe('a job’s log', () => {
  it('is fetched where GitHub points to, without showing the token there', async () => {
    const blobs = await serve((_, response) => response.end('the log'));
    const api = await serve((_, response) => response.writeHead(302, { location: `${blobs.origin}/log?sig=x` }).end());
    expect(await readLog(await clientOf(`${api.origin}/api/v3/`))).toBe('the log');
    expect(api.calls).toEqual([
      {
        method: 'GET',
        url: '/api/v3/repos/octo-org/octo-repo/actions/jobs/11/logs',
        authorization: 'token ghp_secret',
      },
    ]);
    expect(blobs.calls).toEqual([{ method: 'GET', url: '/log?sig=x', authorization: undefined }]);
  });

  it('may come at once, and the token may follow where a repository moved to', async () => {
    const api = await serve((request, response) => {
      if (request.url?.startsWith('/repositories')) response.end('moved log');
      else response.writeHead(301, { location: '/repositories/7/actions/jobs/11/logs' }).end();
    });
    expect(await readLog(await clientOf(api.origin))).toBe('moved log');
    expect(api.calls.map((call) => call.authorization)).toEqual(['token ghp_secret', 'token ghp_secret']);
  });

  it('ends at the limit', async () => {
    const api = await serve((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        response.once('drain', more);
      };
      more();
    });
    expect((await readLog(await clientOf(api.origin), jobEndedAgo(0), 100_000)).length).toBe(100_000);
  });

  it.each([
    ['http elsewhere', 'http://169.254.169.254/latest/meta-data/'],
    ['a file', 'file:///etc/passwd'],
    ['credentials', 'https://user:password@example.com/'],
    ['nowhere', ''],
  ])('is not fetched from %s', async (_, location) => {
    const api = await serve((_request, response) => response.writeHead(302, { location }).end());
    await expect(readLog(await clientOf(api.origin))).rejects.toThrow(PlatformUnavailable);
  });

  it('is not looked for in a circle', async () => {
    const api = await serve((_, response) => response.writeHead(302, { location: '/again' }).end());
    await expect(readLog(await clientOf(api.origin))).rejects.toThrow(PlatformUnavailable);
    expect(api.calls.length).toBeLessThan(6);
  });

  it.each([
    ['not there yet', 404, 60_000, LogNotReady],
    ['not there for long', 404, 16 * 60_000, LogNotReady],
    ['expired', 410, 0, LogUnavailable],
    ['not to be seen', 403, 0, LogUnavailable],
    ['not to be had with this token', 401, 0, LogUnavailable],
    ['not to be had now', 502, 0, PlatformUnavailable],
  ])('that is %s', async (_, status, ago, error) => {
    const api = await serve(json(status, { message: 'no' }));
    await expect(readLog(await clientOf(api.origin), jobEndedAgo(ago))).rejects.toThrow(error);
  });

  it('tells for how long to leave GitHub alone', async () => {
    const limited = await serve(
      json(403, { message: 'You have exceeded a secondary rate limit.' }, { 'retry-after': '7' }),
    );
    await expect(readLog(await clientOf(limited.origin))).rejects.toMatchObject({
      name: 'PlatformUnavailable',
      retryAfter: 7,
    });
    const reset = String(Math.floor(Date.now() / 1000) + 100);
    const used = await serve(json(403, {}, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }));
    const wait = await readLog(await clientOf(used.origin)).catch((error: PlatformUnavailable) => error.retryAfter);
    expect(wait).toBeGreaterThan(90);
    expect(wait).toBeLessThan(102);
  });

  it('that breaks off is not taken for a whole one', async () => {
    const api = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    await expect(readLog(await clientOf(api.origin))).rejects.toThrow(PlatformUnavailable);
  });

  it('is not waited for when the caller gives up', async () => {
    const api = await serve(() => undefined);
    const client = await clientOf(api.origin);
    const giveUp = new AbortController();
    const log = client.jobLog(jobEndedAgo(0), { maxBytes: 10, signal: giveUp.signal });
    const reason = new Error('enough');
    giveUp.abort(reason);
    await expect(log).rejects.toBe(reason);
  });
});

describe('rerunning failed jobs', () => {
  it('is one request', async () => {
    const api = await serve(json(201, {}));
    const client = await clientOf(api.origin);
    expect(await client.act(rerun)).toMatchObject({ kind: 'done' });
    expect(api.calls).toEqual([
      {
        method: 'POST',
        url: '/repos/octo-org/octo-repo/actions/runs/5/rerun-failed-jobs',
        authorization: 'token ghp_secret',
      },
    ]);
  });

  it.each([
    [403, 'Unable to retry this workflow run because it was created over a month ago', 'refused'],
    [403, 'This workflow is already running', 'retry-later'],
    [404, 'Not Found', 'refused'],
    [409, 'conflict', 'refused'],
    [410, 'gone', 'refused'],
    [422, 'cannot', 'refused'],
    [401, 'Bad credentials', 'refused'],
    [307, 'moved', 'refused'],
    [429, 'slow down', 'retry-later'],
    [500, 'oops', 'unknown'],
    [502, 'oops', 'unknown'],
  ])('that GitHub answers with %i (%s) is %s, and never repeated', async (status, message, kind) => {
    const api = await serve(json(status, { message }, status === 307 ? { location: '/elsewhere' } : {}));
    const outcome = await (await clientOf(api.origin)).act(rerun);
    expect(outcome.kind).toBe(kind);
    if (kind === 'refused' && status !== 307)
      expect(outcome).toMatchObject({ reason: expect.stringContaining(message) });
    expect(api.calls.length).toBe(1);
  });

  it('waits as long as GitHub says', async () => {
    const api = await serve(json(403, { message: 'secondary rate limit' }, { 'retry-after': '42' }));
    expect(await (await clientOf(api.origin)).act(rerun)).toMatchObject({ kind: 'retry-later', seconds: 42 });
  });

  it('is unknown when the answer is lost, and was not sent when nobody listens', async () => {
    const api = await serve((request) => request.socket.destroy());
    const client = await clientOf(api.origin);
    expect(await client.act(rerun)).toMatchObject({ kind: 'unknown' });
    expect(api.calls.length).toBe(1);
    const gone = servers.splice(0);
    await Promise.all(gone.map((server) => new Promise((resolve) => server.close(resolve))));
    expect(await client.act(rerun)).toMatchObject({ kind: 'retry-later' });
  });

  it('is the only thing it does', async () => {
    const api = await serve(json(201, {}));
    expect(await (await clientOf(api.origin)).act({ ...rerun, action: 'delete' })).toMatchObject({ kind: 'refused' });
    expect(api.calls).toEqual([]);
  });

  it.each([
    [200, { run_attempt: 2 }, 'happened'],
    [200, { run_attempt: 1 }, 'did-not-happen'],
    [200, {}, 'unclear'],
    [404, {}, 'unclear'],
    [500, {}, 'unclear'],
  ])('is looked up: %i %o is %s', async (status, body, expected) => {
    const api = await serve(json(status, body));
    expect(await (await clientOf(api.origin)).lookUp(rerun)).toBe(expected);
  });
});

describe('the failed jobs of an attempt', () => {
  const jobs = (from: number, count: number, conclusion: string | null) =>
    Array.from({ length: count }, (_, index) => ({ id: from + index, conclusion }));
  const failedOf = async (url: string) => (await clientOf(url)).failedJobs?.(rerun);

  it('are those that failed or ran out of time, over all pages', async () => {
    const pages = [
      jobs(1, 100, 'success'),
      [...jobs(101, 1, 'failure'), ...jobs(102, 1, 'timed_out'), ...jobs(103, 2, null)],
    ];
    const { origin, calls } = await serve((request, response) => {
      const page = Number(new URL(request.url ?? '', 'http://x').searchParams.get('page'));
      json(200, { total_count: 104, jobs: pages[page - 1] })(request, response);
    });
    expect(await failedOf(origin)).toEqual(['101', '102']);
    expect(calls.map(({ url }) => url?.split('?')[0])).toEqual([
      '/repos/octo-org/octo-repo/actions/runs/5/attempts/1/jobs',
      '/repos/octo-org/octo-repo/actions/runs/5/attempts/1/jobs',
    ]);
  });

  it.each([404, 403, 500])('are not known when GitHub answers %i', async (status) => {
    const { origin } = await serve(json(status, { message: 'no' }));
    expect(await failedOf(origin)).toBeUndefined();
  });

  it('are not known when nobody answers', async () => {
    expect(await failedOf('http://127.0.0.1:1')).toBeUndefined();
  });
});
