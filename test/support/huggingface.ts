import { HubHooks } from './huggingface-hooks.ts';
import { type FakeDelivery, type WebFake, webFake } from './web-fake.ts';

export interface SpaceState {
  stage: string;
  /** What its main branch is at. */
  head: string;
  /** What runs; the Hub leaves it out of a Space that was never built. */
  sha?: string;
  errorMessage?: string;
  build?: readonly string[];
  run?: readonly string[];
  /** How many calls find no line yet. */
  missing?: number;
  /** The stages that its next starts come to; RUNNING when none is left. */
  comesTo?: string[];
}

export interface FakeHub extends WebFake {
  /** The settings that point QMOI at it. */
  readonly settings: Readonly<Record<string, string>>;
  readonly spaces: Map<string, SpaceState>;
  readonly webhooks: HubHooks;
  /** Whatever starts has started. */
  settle(): void;
  push(space: string, commit: string, ref?: string): FakeDelivery;
  /** Any event of a repository. */
  event(scope: string, action: string, fields?: Record<string, unknown>, repo?: Record<string, unknown>): FakeDelivery;
}

/** The Hub, as far as QMOI hears it and asks it: webhooks of repositories, the runtime of Spaces and their logs. */
export async function fakeHub({ token, secret }: { token: string; secret: string }): Promise<FakeHub> {
  const spaces = new Map<string, SpaceState>();
  const webhooks = new HubHooks();
  const server = await webFake((call) => {
    const { method, path, query, authorization } = call;
    if (authorization !== `Bearer ${token}`)
      return { status: 401, json: { error: 'Invalid credentials in Authorization header' } };
    const hook = webhooks.answer(call);
    if (hook !== undefined) return hook;
    const [, owner, name, what = ''] =
      /^\/api\/spaces\/([^/]+)\/([^/]+)(?:\/(runtime|logs\/build|logs\/run|restart|pause))?$/.exec(path) ?? [];
    const space = spaces.get(`${owner}/${name}`);
    if (space === undefined) return { status: 404, json: { error: 'Repository not found' } };
    if (method === 'POST') {
      if (what === 'restart') space.stage = query.factory === 'true' ? 'BUILDING' : 'APP_STARTING';
      else if (what === 'pause') space.stage = 'PAUSED';
      else return { status: 404, json: { error: 'Not Found' } };
      return { status: 200, json: { stage: space.stage } };
    }
    const { stage, sha, head, errorMessage } = space;
    const runtime = {
      stage,
      hardware: { current: 'cpu-basic', requested: 'cpu-basic' },
      ...(sha && { sha }),
      ...(errorMessage && { errorMessage }),
    };
    switch (what) {
      case 'runtime':
        return { status: 200, json: runtime };
      case 'logs/build':
      case 'logs/run': {
        const there = (space.missing ?? 0) <= 0;
        space.missing = (space.missing ?? 0) - 1;
        const lines = (there && (what === 'logs/run' ? space.run : space.build)) || [];
        const text = lines
          .map((data) => `data: ${JSON.stringify({ data, timestamp: '2026-01-01T10:00:00.000Z' })}\n\n`)
          .join('');
        return { status: 200, headers: { 'content-type': 'text/event-stream' }, text: `: keep alive\n\n${text}` };
      }
      default:
        return { status: 200, json: { id: `${owner}/${name}`, sha: head, runtime } };
    }
  });

  const event: FakeHub['event'] = (scope, action, fields = {}, repo = {}) => {
    const named = { type: 'space', name: 'acme/demo', id: '6366c000a2abcdf2fd69a080', ...repo };
    const body = JSON.stringify({
      event: { action, scope },
      repo: {
        ...named,
        private: false,
        url: {
          web: `https://huggingface.co/spaces/${named.name}`,
          api: `https://huggingface.co/api/spaces/${named.name}`,
        },
        owner: { id: '61d2000c3c2083e1c08af22d' },
      },
      ...fields,
      webhook: { id: '6390e855e30d9209411de93b', version: 3 },
    });
    return { event: scope, headers: { 'content-type': 'application/json', 'x-webhook-secret': secret }, body };
  };

  return {
    ...server,
    settings: {
      QMOI_HUGGINGFACE_WEBHOOK_SECRET: secret,
      QMOI_HUGGINGFACE_TOKEN: token,
      QMOI_HUGGINGFACE_URL: server.url,
    },
    spaces,
    webhooks,
    settle() {
      for (const space of spaces.values()) {
        if (/BUILDING$|APP_STARTING$/.test(space.stage)) space.stage = space.comesTo?.shift() ?? 'RUNNING';
      }
    },
    event,
    push: (name, commit, ref = 'refs/heads/main') =>
      event(
        'repo.content',
        'update',
        { updatedRefs: [{ ref, oldSha: null, newSha: commit }] },
        { name, headSha: commit },
      ),
  };
}
