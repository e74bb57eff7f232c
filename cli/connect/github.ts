import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { Ask } from '../../shared/platforms/ask.ts';
import { type HookApi, missingIn, type Tested } from './hook.ts';

/** What a repository's or an organisation's webhook can be sent of what QMOI uses. */
export const EVENTS = [
  'workflow_run',
  'workflow_job',
  'check_run',
  'check_suite',
  'status',
  'deployment',
  'deployment_status',
  'meta',
] as const;

const hook = z.object({
  id: z.int(),
  active: z.optional(z.boolean()),
  events: z.optional(z.array(z.string())),
  config: z.object({
    url: z.optional(z.string()),
    content_type: z.optional(z.string()),
    secret: z.optional(z.string()),
    insecure_ssl: z.optional(z.union([z.string(), z.number()])),
  }),
});
type Hook = z.infer<typeof hook>;
const delivery = z.object({
  id: z.int(),
  event: z.string(),
  status_code: z.nullish(z.int()),
  status: z.nullish(z.string()),
});

const [TRIES, BETWEEN_MS] = [10, 1_000];

/** `target`: `owner/name`, or an organisation. */
export function githubHook(
  ask: Ask,
  target: string,
  { url, secret, waitMs = BETWEEN_MS }: { url: string; secret: string; waitMs?: number },
): HookApi<Hook> {
  const parts = target.split('/').map(encodeURIComponent);
  const path = parts.length > 1 ? `/repos/${parts.join('/')}/hooks` : `/orgs/${parts[0]}/hooks`;
  const config = { url, content_type: 'json', insecure_ssl: '0', secret };
  const latestPing = async (id: number): Promise<z.infer<typeof delivery> | undefined> => {
    const { json } = await ask('GET', `${path}/${id}/deliveries?per_page=20`);
    return z
      .array(delivery)
      .parse(json)
      .find(({ event }) => event === 'ping');
  };
  return {
    what: `the webhook of ${target}`,
    needs:
      parts.length > 1
        ? 'the permission "Webhooks: read and write" on the repository (classic: admin:repo_hook), and reach it'
        : 'the permission "Webhooks: read and write" on the organisation (classic: admin:org_hook)',
    async list() {
      const { json } = await ask('GET', `${path}?per_page=100`);
      return z
        .array(hook)
        .parse(json)
        .filter((one) => one.config.url === url);
    },
    async create() {
      const { json } = await ask('POST', path, { body: { name: 'web', active: true, events: EVENTS, config } });
      return { hook: hook.parse(json) };
    },
    differences({ active, events = [], config: has }) {
      return [
        ...(active === false ? ['it is switched off'] : []),
        ...(events.includes('*') ? [] : missingIn(events, EVENTS)),
        ...(has.content_type === 'json' ? [] : ['it is not sent as JSON']),
        ...(String(has.insecure_ssl ?? '0') === '0' ? [] : ['certificates are not checked']),
        // GitHub shows that there is a secret, and not which.
        ...(has.secret ? [] : ['it has no secret']),
      ];
    },
    async update({ id, events = [] }) {
      const body = { active: true, events: [...new Set([...events, ...EVENTS])], config };
      await ask('PATCH', `${path}/${id}`, { body });
    },
    async renew({ id }) {
      await ask('PATCH', `${path}/${id}`, { body: { config } });
    },
    async test({ id }): Promise<Tested> {
      const before = await latestPing(id);
      await ask('POST', `${path}/${id}/pings`);
      for (let tries = 0; tries < TRIES; tries++) {
        const ping = await latestPing(id);
        if (ping !== undefined && ping.id !== before?.id) return testedBy(ping.status_code ?? 0, ping.status ?? '');
        await sleep(waitMs);
      }
      return { outcome: 'unknown', detail: 'GitHub has not told yet what came of the ping' };
    },
  };
}

/** What the answer of QMOI's receiver means. */
export function testedBy(code: number, words: string): Tested {
  const detail = words === '' || words === String(code) ? String(code) : `${code} ${words}`;
  if (code >= 200 && code < 300) return { outcome: 'delivered', detail };
  if (code === 401) return { outcome: 'refused', detail };
  const hint = code === 503 ? `${detail}: QMOI runs without the secret` : detail;
  return { outcome: 'failed', detail: hint };
}

/** What a GitHub App of one's own is made from: https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest */
export const appManifest = (url: string) => ({
  name: 'QMOI',
  url: new URL(url).origin,
  hook_attributes: { url, active: true },
  public: false,
  default_permissions: {
    actions: 'write',
    checks: 'read',
    deployments: 'read',
    metadata: 'read',
    statuses: 'read',
  },
  default_events: [...EVENTS.filter((name) => name !== 'meta'), 'workflow_dispatch', 'repository_dispatch'],
});
