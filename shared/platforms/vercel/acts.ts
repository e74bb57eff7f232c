import * as z from 'zod/mini';
import { type Actions, byFinding, byState, call, markOf, parameter, query, type Seen, shaped } from '../action.ts';
import type { ActionRequest, Shown } from '../port.ts';
import { projectIn, teamIn } from './normalise.ts';

/** What QMOI can do on Vercel. https://vercel.com/docs/rest-api/{deployments,projects} */

const moves = { on: 'run', proof: 'state', tier: 2, first: true } as const;
const ID = /^[\w-]{1,128}$/;

const projectOf = (of: ActionRequest): string | undefined => {
  const id = projectIn(of.repositoryId);
  return id !== undefined && ID.test(id) ? id : undefined;
};
const withTeam = (of: ActionRequest, path: string, values: Record<string, string> = {}): string => {
  const text = query({ ...values, teamId: teamIn(of.repositoryId) });
  return text === '' ? path : `${path}?${text}`;
};

const deployments = z.object({
  deployments: z.array(
    z.object({
      uid: z.string(),
      name: z.string(),
      state: z.nullish(z.string()),
      target: z.nullish(z.string()),
      meta: z.nullish(z.record(z.string(), z.unknown())),
    }),
  ),
});
const MARK = 'qmoiMark';
const ofProject = (seen: Seen) => shaped(deployments, seen)?.deployments;
const FAILED: ReadonlySet<string> = new Set(['ERROR', 'CANCELED']);

/** Who asked last that production be another deployment, and what came of it. */
const project = z.object({
  targets: z.nullish(
    z.object({ production: z.nullish(z.object({ id: z.string(), createdAt: z.optional(z.number()) })) }),
  ),
  lastAliasRequest: z.nullish(
    z.object({
      fromDeploymentId: z.nullish(z.string()),
      toDeploymentId: z.string(),
      jobStatus: z.string(),
      requestedAt: z.number(),
    }),
  ),
});
const deploymentIn = (of: ActionRequest): string | undefined => {
  const id = parameter(of, 'deployment');
  return id !== undefined && ID.test(id) ? id : undefined;
};
/** Of a request that names both the project and the deployment. */
const projectPath = (of: ActionRequest): string | undefined => {
  const id = projectOf(of);
  return id && deploymentIn(of) && withTeam(of, `/v9/projects/${id}`);
};

/** Vercel takes such a wish, and moves the domains afterwards. */
const GRANTED: ReadonlySet<string> = new Set(['pending', 'in-progress', 'succeeded']);

/** Whether production is a deployment, or is about to be. */
function isLive(seen: Seen, id: string | undefined): boolean | undefined {
  const found = shaped(project, seen);
  if (found === undefined || id === undefined) return undefined;
  const [live, last] = [found.targets?.production, found.lastAliasRequest];
  if (live?.id === id) return true;
  const newer = (live?.createdAt ?? 0) > (last?.requestedAt ?? 0);
  return last?.toDeploymentId === id && GRANTED.has(last.jobStatus) && !newer;
}

/** What serves production tells; a wish that Vercel did not grant has failed. */
function production(seen: Seen, id: string | undefined): Shown | undefined {
  const found = shaped(project, seen);
  if (found === undefined || id === undefined) return undefined;
  const [live, last] = [found.targets?.production, found.lastAliasRequest];
  if (live?.id === id) return { status: 'succeeded', detail: `${id} serves production` };
  const detail = `${live?.id ?? 'nothing that is known'} serves production`;
  const refused = last?.toDeploymentId === id && !GRANTED.has(last.jobStatus);
  return refused
    ? { status: 'failed', detail: `the change is ${last.jobStatus}, and ${detail}` }
    : { status: 'pending', detail };
}
const serving = {
  shows: (seen: Seen, of: ActionRequest) => production(seen, deploymentIn(of)),
} as const;

const promotion = (of: ActionRequest, id: string | undefined): string | undefined =>
  id && withTeam(of, `/v10/projects/${projectOf(of)}/promote/${id}`);
const rollback = (of: ActionRequest, id: string | undefined): string | undefined =>
  id && withTeam(of, `/v1/projects/${projectOf(of)}/rollback/${id}`);

export const vercelActions: Actions = {
  redeploy: {
    does: 'deploys anew what failed to be deployed',
    tier: 1,
    on: 'run',
    proof: 'new-run',
    takes: ['key'],
    first: true,
    reads(of) {
      const projectId = projectOf(of);
      return projectId && withTeam(of, '/v6/deployments', { projectId, limit: '100' });
    },
    means: (seen, of) =>
      byFinding(
        ofProject(seen)?.some(({ meta }) => meta?.[MARK] === markOf(of, 'redeploy')),
        seen,
      ),
    unfit(seen, of) {
      const own = ofProject(seen)?.find(({ uid }) => uid === of.externalId);
      if (own === undefined) return 'the deployment is not among the newest of its project';
      return FAILED.has(own.state ?? '') ? undefined : `the deployment is ${own.state ?? 'of an unknown state'}`;
    },
    request(of, seen) {
      const own = seen && ofProject(seen)?.find(({ uid }) => uid === of.externalId);
      const path = withTeam(of, '/v13/deployments', { forceNew: '1' });
      const meta = { [MARK]: markOf(of, 'redeploy') };
      const target = own?.target ? { target: own.target } : {};
      return call('POST', own && path, { deploymentId: of.externalId, name: own?.name, meta, ...target });
    },
    made: (json) => shaped(z.object({ id: z.string().check(z.regex(ID)) }), { json, partial: false })?.id,
    shows(seen, of) {
      const made = ofProject(seen)?.find(({ meta }) => meta?.[MARK] === markOf(of, 'redeploy'));
      const state = made?.state ?? 'of an unknown state';
      const status = state === 'READY' ? 'succeeded' : FAILED.has(state) ? 'failed' : 'pending';
      return made && { status, detail: `the deployment ${made.uid} is ${state}`, made: made.uid };
    },
  },
  promote: {
    does: 'has production served by a deployment',
    ...moves,
    ...serving,
    needs: ['deployment'],
    inverse: 'restore-production',
    reads: projectPath,
    means: (seen, of) => byState(isLive(seen, deploymentIn(of))),
    request: (of) => call('POST', promotion(of, deploymentIn(of))),
  },
  'instant-rollback': {
    does: 'has production served by an earlier deployment',
    ...moves,
    ...serving,
    needs: ['deployment'],
    inverse: 'restore-production',
    reads: projectPath,
    means: (seen, of) => byState(isLive(seen, deploymentIn(of))),
    request: (of) => call('POST', rollback(of, deploymentIn(of))),
  },
  // By promotion, as that alone has Vercel serve the next push again, which a rollback ends.
  'restore-production': {
    does: 'has production served by what served it before a deployment was promoted, or gone back to',
    ...moves,
    needs: ['deployment'],
    inverse: 'promote',
    reads: projectPath,
    means(seen, of) {
      const [id, last] = [deploymentIn(of), shaped(project, seen)?.lastAliasRequest];
      if (last?.toDeploymentId === id) return 'did-not-happen';
      return last?.fromDeploymentId === id && GRANTED.has(last?.jobStatus ?? '') ? 'happened' : 'unclear';
    },
    unfit(seen, of) {
      const [id, last] = [deploymentIn(of), shaped(project, seen)?.lastAliasRequest];
      if (last?.fromDeploymentId === id) return undefined;
      if (last?.toDeploymentId !== id) return 'production has changed since';
      if (last?.jobStatus !== 'succeeded') return `the change is ${last?.jobStatus ?? 'unknown'}`;
      return last.fromDeploymentId ? undefined : 'nothing served production before';
    },
    shows(seen, of) {
      const last = shaped(project, seen)?.lastAliasRequest;
      return last?.fromDeploymentId === deploymentIn(of) ? production(seen, last?.toDeploymentId) : undefined;
    },
    request: (of, seen) =>
      call('POST', promotion(of, (seen && shaped(project, seen)?.lastAliasRequest?.fromDeploymentId) || undefined)),
  },
};
