import * as z from 'zod/mini';
import { type Ask, hasNext } from '../ask.ts';
import { timeOf } from '../clean.ts';
import { platformId } from '../request.ts';
import { type Definition, type Definitions, PlatformRefusal, type Sweeper, type SweptSource } from '../sweeper.ts';

const text = z.nullish(z.string());
const project = z.object({ build_timeout: z.catch(z.nullish(z.int().check(z.positive())), undefined) });
const schedule = z.object({
  id: platformId,
  description: text,
  active: z.nullish(z.boolean()),
  next_run_at: text,
  owner: z.nullish(z.object({ username: text, state: text })),
});
const [PAGE, MAX_PAGES] = [100, 2];
/** GitLab starts schedules some minutes late; https://docs.gitlab.com/ci/pipelines/schedules/ */
const LATE_MS = 6 * 3_600_000;

/** A project's pipeline schedules, and how long its jobs may run. Two calls as a rule. */
export const gitlabDefinitions =
  (ask: Ask): Sweeper['definitions'] =>
  async ({ repository, repositoryId }: SweptSource, { now }): Promise<Definitions> => {
    const path = `/projects/${encodeURIComponent(repositoryId ?? repository)}`;
    const { build_timeout } = project.parse((await ask('GET', path)).json);
    const jobTimeoutMs = build_timeout ? build_timeout * 1000 : undefined;
    const listed: Definition[] = [];
    for (let page = 1; ; page++) {
      try {
        const answer = await ask('GET', `${path}/pipeline_schedules?per_page=${PAGE}&page=${page}`);
        listed.push(
          ...z
            .array(schedule)
            .parse(answer.json)
            .map((native) => definitionOf(native, now)),
        );
        const more = hasNext(answer.headers);
        if (!more || page === MAX_PAGES) return { listed, complete: !more, jobTimeoutMs };
      } catch (error) {
        // A project without CI/CD has none, and a guest is told of none.
        if (!(error instanceof PlatformRefusal)) throw error;
        return { listed: [], complete: false, jobTimeoutMs };
      }
    }
  };

/** A schedule is an automation of its own: the project's pipeline runs without it as well. */
function definitionOf(native: z.infer<typeof schedule>, now: number): Definition {
  const { id, description, active, owner } = native;
  const next = timeOf(native.next_run_at);
  const off = (status: 'disabled' | 'silent', reason: string) => ({ status, reason });
  const barred =
    owner?.state && owner.state !== 'active' ? `; its owner ${owner.username ?? ''} is ${owner.state}` : '';
  return {
    externalId: `schedule-${id}`,
    name: description ?? undefined,
    off:
      active === false
        ? off('disabled', `the schedule is inactive at GitLab${barred}`)
        : next !== undefined && now - Date.parse(next) > LATE_MS
          ? off('silent', `GitLab should have started it at ${next}, and has not${barred}`)
          : undefined,
  };
}
