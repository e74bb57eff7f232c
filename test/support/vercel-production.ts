import type { FakeAnswer, FakeCall } from './web-fake.ts';

interface Deployed {
  readonly uid: string;
  readonly name: string;
  state: string;
  readonly target: string | null;
  readonly meta: Readonly<Record<string, string>>;
}

interface Project {
  readonly id: string;
  production: string;
  /** Whether the next push goes to production, which a rollback ends. */
  followsPushes: boolean;
  deployments: Deployed[];
  last?: { fromDeploymentId: string; toDeploymentId: string; type: string; jobStatus: string; requestedAt: number };
}

/** What serves production at Vercel, and how that is changed. */
export class VercelProduction {
  readonly #projects = new Map<string, Project>();
  #made = 100;

  project(id: string, production: string, deployments: Deployed[] = []): void {
    this.#projects.set(id, { id, production, followsPushes: true, deployments });
  }

  state(): unknown {
    return structuredClone(
      [...this.#projects.values()].map(({ id, production, followsPushes, deployments }) => ({
        ...{ id, production, followsPushes, deployments },
      })),
    );
  }

  /** What a deployment that was asked for comes to. */
  built(uid: string, state: 'READY' | 'ERROR'): void {
    for (const { deployments } of this.#projects.values()) {
      for (const one of deployments) if (one.uid === uid) one.state = state;
    }
  }

  /** What the changes of production that are asked for from now on come to. */
  moves: 'succeeded' | 'failed' | 'pending' = 'succeeded';

  answer({ method, path, query, body }: FakeCall): FakeAnswer | undefined {
    if (path === '/v6/deployments') {
      return { status: 200, json: { deployments: this.#projects.get(query.projectId ?? '')?.deployments ?? [] } };
    }
    if (path === '/v13/deployments' && method === 'POST') return this.#redeploy(JSON.parse(body) as Deployed);
    const [, id = '', verb, deployment = ''] =
      /^\/v\d+\/projects\/([\w-]+)(?:\/(promote|rollback)\/([\w-]+))?$/.exec(path) ?? [];
    const project = this.#projects.get(id);
    if (project === undefined) return undefined;
    if (method === 'GET') {
      const { production, last } = project;
      return {
        status: 200,
        json: { id, targets: { production: { id: production, createdAt: 0 } }, lastAliasRequest: last ?? null },
      };
    }
    if (verb === undefined) return undefined;
    if (project.production === deployment) {
      return { status: 409, json: { error: { code: 'conflict', message: 'It is in production already' } } };
    }
    project.last = {
      ...{ fromDeploymentId: project.production, toDeploymentId: deployment, type: verb },
      ...{ jobStatus: this.moves, requestedAt: 1 },
    };
    if (this.moves === 'succeeded') project.production = deployment;
    project.followsPushes = verb === 'promote';
    return { status: verb === 'promote' ? 202 : 201, json: {} };
  }

  #redeploy({ deploymentId, ...fields }: Deployed & { deploymentId?: string }): FakeAnswer {
    for (const { deployments } of this.#projects.values()) {
      if (!deployments.some(({ uid }) => uid === deploymentId)) continue;
      this.#made += 1;
      const made = { ...fields, uid: `dpl_${this.#made}`, state: 'QUEUED' };
      deployments.unshift(made);
      return { status: 200, json: { id: made.uid } };
    }
    return { status: 404, json: { error: { code: 'not_found', message: 'Deployment not found' } } };
  }
}
