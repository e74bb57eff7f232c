import * as z from 'zod/mini';
import { type Ask, unlessGone } from '../../shared/platforms/ask.ts';
import { PlatformRefusal } from '../../shared/platforms/sweeper.ts';
import { testedBy } from './github.ts';
import type { HookApi, Tested } from './hook.ts';

const EVENTS = ['pipeline_events', 'job_events', 'deployment_events', 'releases_events'] as const;
const hook = z.looseObject({ id: z.int(), url: z.optional(z.string()) });
type Hook = z.infer<typeof hook>;

/** `target`: the path of a project, or of a group (which takes a paid plan). */
export async function gitlabHook(
  ask: Ask,
  target: string,
  { url, secret }: { url: string; secret: string },
): Promise<HookApi<Hook>> {
  const name = encodeURIComponent(target);
  const isProject = (await unlessGone(ask('GET', `/projects/${name}`))) !== undefined;
  const path = `/${isProject ? 'projects' : 'groups'}/${name}/hooks`;
  const wanted = {
    ...Object.fromEntries(EVENTS.map((event) => [event, true])),
    enable_ssl_verification: !url.startsWith('http:'),
  };
  const body = { url, token: secret, push_events: false, ...wanted };
  return {
    what: `the webhook of the ${isProject ? 'project' : 'group'} ${target}`,
    needs: isProject
      ? 'the scope "api", and the role of a maintainer in the project'
      : 'the scope "api", the role of an owner of the group, and a plan with group webhooks; or there is no such project',
    async list() {
      const { json } = await ask('GET', `${path}?per_page=100`);
      return z
        .array(hook)
        .parse(json)
        .filter((one) => one.url === url);
    },
    async create() {
      return { hook: hook.parse((await ask('POST', path, { body })).json) };
    },
    differences(known) {
      const absent = Object.entries(wanted).filter(([field, value]) => (known[field] ?? false) !== value);
      return [
        ...(absent.length === 0 ? [] : [`${absent.map(([field]) => field).join(', ')} was set otherwise`]),
        ...(known.alert_status === 'disabled' ? ['GitLab had switched it off'] : []),
      ];
    },
    async update({ id }) {
      await ask('PUT', `${path}/${id}`, { body });
    },
    async renew({ id }) {
      await ask('PUT', `${path}/${id}`, { body });
    },
    async test({ id }): Promise<Tested> {
      try {
        await ask('POST', `${path}/${id}/test/${isProject ? 'pipeline_events' : 'push_events'}`);
        return { outcome: 'delivered', detail: 'GitLab says so' };
      } catch (error) {
        if (!(error instanceof PlatformRefusal) || error.status !== 422) throw error;
        const code = /\b([1-5]\d\d)\b/.exec(error.message.slice(0, 200).replace(/\(422\)$/, ''))?.[1];
        if (code !== undefined) return testedBy(Number(code), error.message);
        // Without a pipeline there is nothing that GitLab could send.
        return { outcome: 'unknown', detail: error.message };
      }
    },
  };
}
