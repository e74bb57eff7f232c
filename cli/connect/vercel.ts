import * as z from 'zod/mini';
import type { Ask } from '../../shared/platforms/ask.ts';
import { type HookApi, missingIn } from './hook.ts';

const EVENTS = ['created', 'ready', 'succeeded', 'error', 'canceled', 'promoted', 'rollback'].map(
  (event) => `deployment.${event}`,
);
const hook = z.object({ id: z.string(), url: z.string(), events: z.array(z.string()), secret: z.optional(z.string()) });
type Hook = z.infer<typeof hook>;

/** https://vercel.com/docs/rest-api/webhooks; `team`: the id or the slug of a team, undefined for one's own account. */
export function vercelHook(ask: Ask, team: string | undefined, { url }: { url: string }): HookApi<Hook> {
  const query =
    team === undefined ? '' : `?${team.startsWith('team_') ? 'teamId' : 'slug'}=${encodeURIComponent(team)}`;
  return {
    what: `the webhook of ${team === undefined ? 'your Vercel account' : `the Vercel team ${team}`}`,
    needs: 'to belong to the account or the team (webhooks take a Pro or Enterprise plan)',
    async list() {
      return z
        .array(hook)
        .parse((await ask('GET', `/v1/webhooks${query}`)).json)
        .filter((one) => one.url === url);
    },
    async create() {
      const { json } = await ask('POST', `/v1/webhooks${query}`, { body: { url, events: EVENTS } });
      const made = hook.parse(json);
      // Vercel makes the secret itself and shows it this once.
      return { hook: made, note: `QMOI_VERCEL_WEBHOOK_SECRET=${made.secret ?? ''}` };
    },
    differences: ({ events }) => missingIn(events, EVENTS),
  };
}
