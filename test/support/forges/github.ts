import { createHash } from 'node:crypto';
import { githubRoutes, message, notFound } from './github-api.ts';
import { githubHookRoutes } from './github-hooks.ts';
import { GithubLogStorage } from './github-logs.ts';
import { GithubPayloads } from './github-payloads.ts';
import { GithubRuns } from './github-runs.ts';
import { githubSideRoutes } from './github-side.ts';
import type { ForgeParts, PlatformForge } from './platform-forge.ts';
import type { ApiRequest, Reply } from './server.ts';
import { ForgeServer } from './server.ts';
import { reaches, type TokenAccess } from './tokens.ts';

/** docs.github.com, "Rate limits for the REST API". */
const HOURLY = 5000;
const WRITES_PER_MINUTE = 80;

export async function githubForge(parts: ForgeParts): Promise<PlatformForge> {
  const { context, options, tokens, calls, faults } = parts;
  const { clock, random } = context;
  const payloads = new GithubPayloads({ random, secret: options.secret, format: options.format ?? 'json' });
  const runs = new GithubRuns(context, payloads, options.resendCarriedOver ?? true);
  const storage = new GithubLogStorage(clock, random.hex(32));
  const hourly = options.rateLimit ?? HOURLY;
  const usage = { used: 0, resetAt: clock.now() + 3_600_000, writes: [] as number[] };

  function token(request: ApiRequest): string | undefined {
    const header = request.headers.authorization ?? '';
    const [scheme = '', value = ''] = header.split(' ', 2);
    if (/^(?:bearer|token)$/i.test(scheme)) return value;
    if (/^basic$/i.test(scheme)) return Buffer.from(value, 'base64').toString('utf8').split(':').at(-1);
    return header === '' ? undefined : header;
  }

  function accessTo(request: ApiRequest): TokenAccess | undefined {
    const access = tokens.find(token(request) ?? '');
    if (request.params.org !== undefined) return access;
    const name = `${request.params.owner}/${request.params.repo}`.toLowerCase();
    const found = context.repositories.find((one) => one.fullName.toLowerCase() === name && !one.hidden);
    return found !== undefined && access !== undefined && reaches(access, found.fullName) ? access : undefined;
  }

  function spend(): void {
    const now = clock.now();
    if (now >= usage.resetAt) {
      usage.used = 0;
      usage.resetAt = now + 3_600_000;
    }
    usage.used += 1;
  }

  function limited(kind: 'primary' | 'secondary', retryAfterSeconds?: number): Reply {
    if (kind === 'primary') {
      usage.used = Math.max(usage.used, hourly);
      if (retryAfterSeconds !== undefined) usage.resetAt = clock.now() + retryAfterSeconds * 1000;
      return message(
        403,
        'API rate limit exceeded for user ID 9000007.',
        '/overview/resources-in-the-rest-api#rate-limiting',
      );
    }
    const docs = '/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits';
    const text = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
    return { ...message(403, text, docs), headers: { 'retry-after': String(retryAfterSeconds ?? 60) } };
  }

  function admit(request: ApiRequest): Reply | undefined {
    if (!request.headers['user-agent']) {
      return {
        status: 403,
        text: 'Request forbidden by administrative rules. Please make sure your request has a User-Agent header.\r\n',
      };
    }
    const given = token(request);
    if (given !== undefined && !tokens.find(given)) return message(401, 'Bad credentials');
    spend();
    if (usage.used > hourly) return limited('primary');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const now = clock.now();
      usage.writes = usage.writes.filter((at) => at > now - 60_000);
      if (usage.writes.length >= (options.writesPerMinute ?? WRITES_PER_MINUTE)) return limited('secondary');
      usage.writes.push(now);
    }
    return undefined;
  }

  function dress(request: ApiRequest, reply: Reply): Reply {
    const etag =
      request.method === 'GET' && reply.status === 200 && reply.json !== undefined ? tag(reply.json) : undefined;
    const unchanged = etag !== undefined && request.headers['if-none-match'] === etag;
    // docs.github.com: a conditional request answered 304 does not count against the limit.
    if (unchanged) usage.used -= 1;
    const headers: Record<string, string> = {
      server: 'github.com',
      'x-github-media-type': 'github.v3; format=json',
      'x-github-request-id': `${random.hex(4)}:${random.hex(6)}:${random.hex(6)}`.toUpperCase(),
      'x-ratelimit-limit': String(hourly),
      'x-ratelimit-remaining': String(Math.max(hourly - usage.used, 0)),
      'x-ratelimit-used': String(Math.min(usage.used, hourly)),
      'x-ratelimit-reset': String(Math.ceil(usage.resetAt / 1000)),
      'x-ratelimit-resource': 'core',
      ...(etag ? { etag, 'cache-control': 'private, max-age=60, s-maxage=60' } : {}),
      ...reply.headers,
    };
    return unchanged ? { status: 304, headers } : { ...reply, headers };
  }

  const api = new ForgeServer({
    clock,
    calls,
    faults,
    optionalPrefix: '/api/v3',
    routes: [
      ...githubHookRoutes({
        ...parts,
        now: () => clock.now(),
        may: (request) => accessTo(request)?.access === 'write',
      }),
      ...githubSideRoutes({ resources: parts.resources, now: () => clock.now(), accessTo }),
      ...githubRoutes({
        context,
        payloads,
        runs,
        storage,
        caller: (request, repository) => {
          const access = tokens.find(token(request) ?? '');
          return access && reaches(access, repository) ? access : undefined;
        },
      }),
    ],
    admit,
    notFound: () => notFound(),
    limited: (fault) => limited(fault.limit, fault.retryAfterSeconds),
    dress,
  });
  const blobs = new ForgeServer({
    clock,
    calls,
    faults,
    routes: storage.routes(),
    admit: () => undefined,
    notFound: () => ({ status: 404, text: '' }),
    limited: () => ({ status: 503, text: '' }),
    dress: (_request, reply) => ({ ...reply, headers: { server: 'Windows-Azure-Blob/1.0', ...reply.headers } }),
  });
  const url = await api.listen();
  storage.serveFrom(await blobs.listen());

  return {
    simulator: runs,
    url,
    settings: {
      QMOI_GITHUB_API_URL: url,
      QMOI_GITHUB_TOKEN: options.token,
      QMOI_GITHUB_WEBHOOK_SECRET: options.secret,
    },
    ping: (repository) => payloads.ping(repository, parts.target(), clock.now()),
    renew: (delivery) => delivery,
    underWay: () => api.underWay() + blobs.underWay(),
    close: async () => {
      await Promise.all([api.close(), blobs.close()]);
    },
  };
}

function tag(json: unknown): string {
  return `W/"${createHash('sha256').update(JSON.stringify(json)).digest('hex')}"`;
}
