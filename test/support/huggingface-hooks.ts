import type { FakeAnswer, FakeCall } from './web-fake.ts';

export interface HubHook {
  readonly id: string;
  url: string;
  watched: { type: string; name: string }[];
  domains: string[];
  secret: string | null;
  disabled: boolean;
}

const API = '/api/settings/webhooks';
const [TYPES, DOMAINS] = [
  ['user', 'org', 'model', 'dataset', 'space'],
  ['repo', 'discussion'],
];

/** The webhooks of an account, as huggingface_hub 0.30.2 (`list_webhooks`, `create_webhook`, `update_webhook`, `enable_webhook`) asks for them. */
export class HubHooks {
  readonly hooks: HubHook[] = [];

  /** Undefined: this is about something else. */
  answer({ method, path, body }: FakeCall): FakeAnswer | undefined {
    if (path !== API && !path.startsWith(`${API}/`)) return undefined;
    const [id, verb] = path.slice(API.length + 1).split('/');
    const found = this.hooks.find((hook) => hook.id === id);
    if (id && found === undefined) return { status: 404, json: { error: 'Webhook not found' } };
    if (method === 'GET') return { status: 200, json: found === undefined ? this.hooks : { webhook: found } };
    if (method !== 'POST') return { status: 405, json: { error: 'Method Not Allowed' } };
    if (found !== undefined && (verb === 'enable' || verb === 'disable')) {
      found.disabled = verb === 'disable';
      return { status: 200, json: { webhook: found } };
    }
    const fields = fieldsOf(body);
    if (fields === undefined || verb !== undefined) return { status: 400, json: { error: 'Invalid request body' } };
    // A change names everything anew: what it leaves out is gone.
    const hook = found ?? { id: `654bbbc16f2ec14d77f109c${this.hooks.length}`, disabled: false, ...fields };
    if (found === undefined) this.hooks.push(hook);
    return { status: 200, json: { webhook: Object.assign(hook, fields) } };
  }
}

function fieldsOf(body: string): Omit<HubHook, 'id' | 'disabled'> | undefined {
  const { url, watched, domains = DOMAINS, secret = null } = JSON.parse(body) as Partial<HubHook>;
  const fits =
    typeof url === 'string' &&
    Array.isArray(watched) &&
    watched.length > 0 &&
    watched.every(({ type, name }) => TYPES.includes(type) && /^[\w.-]+(?:\/[\w.-]+)?$/.test(name)) &&
    domains.every((domain) => DOMAINS.includes(domain));
  return fits ? { url, watched, domains, secret } : undefined;
}
