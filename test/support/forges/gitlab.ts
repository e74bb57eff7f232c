import { createHash } from 'node:crypto';
import { gitlabRoutes, message } from './gitlab-api.ts';
import { gitlabHookRoutes } from './gitlab-hooks.ts';
import { GitlabPayloads } from './gitlab-payloads.ts';
import { GitlabRuns } from './gitlab-runs.ts';
import { gitlabSideRoutes } from './gitlab-side.ts';
import type { ForgeParts, PlatformForge } from './platform-forge.ts';
import type { ApiRequest, Reply } from './server.ts';
import { ForgeServer } from './server.ts';
import { reaches } from './tokens.ts';
import type { RepositoryState } from './types.ts';

/** gitlab.com: authenticated API traffic of one user, a minute. */
const PER_MINUTE = 2000;

export async function gitlabForge(parts: ForgeParts): Promise<PlatformForge> {
  const { context, options, tokens, calls, faults } = parts;
  const { clock, random } = context;
  const payloads = new GitlabPayloads({
    random,
    secret: options.secret,
    now: () => clock.now(),
    ...(options.signingToken === undefined ? {} : { signingToken: options.signingToken }),
  });
  const runs = new GitlabRuns(context, payloads);
  const limit = options.rateLimit ?? PER_MINUTE;
  const usage = { observed: 0, resetAt: 0 };

  function token(request: ApiRequest): string | undefined {
    const bearer = /^bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    return request.headers['private-token'] ?? bearer ?? request.query.get('private_token') ?? undefined;
  }

  function projectOf(request: ApiRequest): RepositoryState | undefined {
    const id = (request.params.id ?? '').toLowerCase();
    const found = context.repositories.find((one) => String(one.id) === id || one.fullName.toLowerCase() === id);
    const access = tokens.find(token(request) ?? '');
    return found && !found.hidden && access && reaches(access, found.fullName) ? found : undefined;
  }

  function spend(): void {
    const now = clock.now();
    if (now >= usage.resetAt) {
      usage.observed = 0;
      usage.resetAt = Math.floor(now / 60_000) * 60_000 + 60_000;
    }
    usage.observed += 1;
  }

  function limited(retryAfterSeconds?: number): Reply {
    const wait = retryAfterSeconds ?? Math.max(Math.ceil((usage.resetAt - clock.now()) / 1000), 1);
    return {
      status: 429,
      headers: { 'content-type': 'text/plain', 'retry-after': String(wait) },
      text: 'Retry later\n',
    };
  }

  function admit(request: ApiRequest): Reply | undefined {
    spend();
    if (usage.observed > limit) return limited();
    const given = token(request);
    const access = given === undefined ? undefined : tokens.find(given);
    if (given !== undefined && tokens.wasRevoked(given)) {
      const text = 'Token was revoked. You have to re-authorize from the user.';
      return { status: 401, json: { error: 'invalid_token', error_description: text } };
    }
    if (!access) return message(401, '401 Unauthorized');
    if (access.access === 'read' && request.method !== 'GET' && request.method !== 'HEAD') {
      const text = 'The request requires higher privileges than provided by the access token.';
      return { status: 403, json: { error: 'insufficient_scope', error_description: text, scope: 'api' } };
    }
    return undefined;
  }

  function dress(request: ApiRequest, reply: Reply): Reply {
    const etag =
      request.method === 'GET' && reply.status === 200 && reply.json !== undefined
        ? `W/"${createHash('sha256').update(JSON.stringify(reply.json)).digest('hex').slice(0, 32)}"`
        : undefined;
    const id = random.hex(26).toUpperCase();
    const headers: Record<string, string> = {
      server: 'nginx',
      'x-request-id': id,
      'x-runtime': '0.041',
      'x-gitlab-meta': JSON.stringify({ correlation_id: id, version: '1' }),
      'ratelimit-name': 'throttle_authenticated_api',
      'ratelimit-limit': String(limit),
      'ratelimit-observed': String(usage.observed),
      'ratelimit-remaining': String(Math.max(limit - usage.observed, 0)),
      'ratelimit-reset': String(Math.ceil(usage.resetAt / 1000)),
      'ratelimit-resettime': new Date(usage.resetAt).toUTCString(),
      ...(etag ? { etag, 'cache-control': 'max-age=0, private, must-revalidate' } : {}),
      ...reply.headers,
    };
    if (etag && request.headers['if-none-match'] === etag) return { status: 304, headers };
    return { ...reply, headers };
  }

  const api = new ForgeServer({
    clock,
    calls,
    faults,
    routes: [
      ...gitlabHookRoutes({
        ...parts,
        now: () => clock.now(),
        projectOf: (request) => projectOf(request)?.id,
      }),
      ...gitlabSideRoutes({ resources: parts.resources, projectOf: (request) => projectOf(request)?.fullName }),
      ...gitlabRoutes({
        context,
        runs,
        missingTrace: options.missingTrace ?? 'empty',
        caller: (request, repository) => {
          const access = tokens.find(token(request) ?? '');
          return access && reaches(access, repository) ? access : undefined;
        },
      }),
    ],
    admit,
    notFound: () => ({ status: 404, json: { error: '404 Not Found' } }),
    limited: (fault) => limited(fault.retryAfterSeconds),
    dress,
  });
  const url = await api.listen();

  return {
    simulator: runs,
    url,
    settings: {
      QMOI_GITLAB_URL: url,
      QMOI_GITLAB_TOKEN: options.token,
      QMOI_GITLAB_WEBHOOK_TOKEN: options.secret,
      ...(options.signingToken === undefined ? {} : { QMOI_GITLAB_SIGNING_TOKEN: options.signingToken }),
    },
    ping: (repository) => payloads.test(repository),
    renew: (delivery) => payloads.renew(delivery),
    underWay: () => api.underWay(),
    close: () => api.close(),
  };
}
