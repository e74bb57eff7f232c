import type { FakeAnswer, FakeCall } from './web-fake.ts';

interface Hook {
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly ownerId: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** The events of deployments that @vercel/sdk 1.28.35 names, which is made from Vercel's own description of its API. */
const EVENTS = [
  ...['created', 'build-requested', 'cleanup', 'error', 'blocked', 'canceled', 'succeeded', 'ready', 'promoted'],
  ...['rollback', 'check-rerequested', 'checks.failed', 'checks.succeeded', 'checkrun.start', 'checkrun.cancel'],
].map((name) => `deployment.${name}`);

/** vercel.com/docs/rest-api: webhooks of an account or a team are created, listed and deleted, and not changed. */
export class VercelHooks {
  readonly secret: string;
  readonly #hooks = new Map<string, Hook[]>();

  constructor(secret: string) {
    this.secret = secret;
  }

  /** Undefined: this is about something else. */
  answer({ method, path, query, body }: FakeCall): FakeAnswer | undefined {
    if (path !== '/v1/webhooks') return undefined;
    const owner = query.teamId ?? query.slug ?? 'account';
    const hooks = this.#hooks.get(owner) ?? [];
    this.#hooks.set(owner, hooks);
    if (method === 'GET') return { status: 200, json: hooks };
    if (method !== 'POST') return refusal(405, 'method_not_allowed', 'The method is not allowed');
    const { url, events, ...rest } = JSON.parse(body) as Record<string, unknown>;
    const known = Array.isArray(events) && events.length > 0 && events.every((event) => EVENTS.includes(event));
    if (!/^https?:\/\//.test(String(url)) || !known || Object.keys(rest).some((name) => name !== 'projectIds')) {
      return refusal(400, 'bad_request', 'Invalid request: one of the provided values in the request body is invalid.');
    }
    const id = `account_hook_${hooks.length + 1}`;
    const made = {
      id,
      url: String(url),
      events,
      ownerId: owner,
      createdAt: 1_567_024_758_130,
      updatedAt: 1_567_024_758_130,
    };
    hooks.push(made);
    // Only the answer to its creation tells the secret.
    return { status: 200, json: { ...made, secret: this.secret } };
  }
}

const refusal = (status: number, code: string, message: string): FakeAnswer => ({
  status,
  json: { error: { code, message } },
});
