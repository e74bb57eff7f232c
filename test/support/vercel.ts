import { createHmac } from 'node:crypto';
import { VercelHooks } from './vercel-hooks.ts';
import { VercelProduction } from './vercel-production.ts';
import { type FakeDelivery, type WebFake, webFake } from './web-fake.ts';

export interface VercelOptions {
  token: string;
  secret: string;
  /** What the deployments belong to; the API finds none of them without it. */
  team?: string;
}

export interface DeploymentSpec {
  id: string;
  project?: { id: string; name?: string };
  target?: 'production' | 'staging' | null;
  meta?: Record<string, unknown>;
  /** Lines of the build, first one first. */
  log?: readonly string[];
  /** How many calls find no line yet. */
  logMissingCalls?: number;
  createdAt?: number;
}

export type DeploymentWord = 'created' | 'ready' | 'succeeded' | 'error' | 'canceled' | 'promoted';

export interface FakeVercel extends WebFake {
  /** The settings that point QMOI at it. */
  readonly settings: Readonly<Record<string, string>>;
  readonly production: VercelProduction;
  /** Makes a deployment; `says` are the events that it sends, a minute apart. */
  deploy(spec: DeploymentSpec, says: readonly DeploymentWord[]): FakeDelivery[];
  rollback(project: string, from: string, to: string): FakeDelivery;
  /** Any event, signed. */
  event(type: string, payload: unknown, createdAt?: number): FakeDelivery;
}

export const signVercel = (body: string | Buffer, secret: string): string =>
  createHmac('sha1', secret).update(body).digest('hex');

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1, 10);

/** Vercel, as far as QMOI hears it and asks it: webhooks of deployments, and their build logs. */
export async function fakeVercel({ token, secret, team }: VercelOptions): Promise<FakeVercel> {
  const deployments = new Map<string, DeploymentSpec & { missing: number }>();
  const production = new VercelProduction();
  const hooks = new VercelHooks(secret);
  let events = 0;
  const error = (status: number, code: string, message: string) => ({ status, json: { error: { code, message } } });

  const server = await webFake((call) => {
    const { method, path, query, authorization } = call;
    if (authorization !== `Bearer ${token}`) return error(403, 'forbidden', 'Not authorized');
    const hook = hooks.answer(call);
    if (hook !== undefined) return hook;
    const changed = query.teamId === team ? production.answer(call) : undefined;
    if (changed !== undefined) return changed;
    const id = /^\/v3\/deployments\/([^/]+)\/events$/.exec(path)?.[1];
    const deployment = id === undefined ? undefined : deployments.get(decodeURIComponent(id));
    if (method !== 'GET' || deployment === undefined || query.teamId !== team) {
      return error(404, 'not_found', 'Deployment not found');
    }
    if (deployment.missing-- > 0) return { status: 200, json: [] };
    const lines = (deployment.log ?? []).map((text, index) => ({
      type: index % 2 === 0 ? 'stdout' : 'stderr',
      created: START + index,
      // The two forms there are.
      ...(index % 2 === 0 ? { text } : { payload: { text, deploymentId: deployment.id } }),
    }));
    const all = [{ type: 'delimiter', created: START }, ...lines, { type: 'exit', created: START, text: 'exit 1' }];
    const limit = Number(query.limit ?? 10);
    return { status: 200, json: query.direction === 'backward' ? all.reverse().slice(0, limit) : all.slice(0, limit) };
  });

  function event(type: string, payload: unknown, createdAt = START): FakeDelivery {
    const body = JSON.stringify({ id: `event_${++events}`, type, createdAt, region: 'iad1', payload });
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'x-vercel-signature': signVercel(body, secret),
    };
    return { event: type, headers, body };
  }

  return {
    ...server,
    settings: { QMOI_VERCEL_WEBHOOK_SECRET: secret, QMOI_VERCEL_TOKEN: token, QMOI_VERCEL_API_URL: server.url },
    production,
    event,
    deploy(spec, says) {
      deployments.set(spec.id, { ...spec, missing: spec.logMissingCalls ?? 0 });
      const {
        id,
        project = { id: 'prj_shop', name: 'shop' },
        target = 'production',
        meta = {},
        createdAt = START,
      } = spec;
      const common = {
        team: team === undefined ? null : { id: team },
        user: { id: 'user_ada' },
        deployment: {
          id,
          name: project.name ?? 'shop',
          url: `shop-${id.toLowerCase().replace('_', '-')}.vercel.app`,
          meta,
        },
        links: { deployment: `https://vercel.com/acme/shop/${id}`, project: 'https://vercel.com/acme/shop' },
        project: { id: project.id },
        plan: 'pro',
        regions: ['iad1'],
      };
      return says.map((word, index) =>
        event(`deployment.${word}`, word === 'promoted' ? common : { ...common, target }, createdAt + index * MINUTE),
      );
    },
    rollback: (project, fromDeploymentId, toDeploymentId) =>
      event('deployment.rollback', {
        team: team === undefined ? null : { id: team },
        user: { id: 'user_ada' },
        project: { id: project },
        fromDeploymentId,
        toDeploymentId,
      }),
  };
}
