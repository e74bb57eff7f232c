import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { API_OPTIONS_HELP, type Api, ApiProblem, apiOptions, connectApi } from '../api.ts';
import { type Command, type Io, UsageError } from '../command.ts';

const AT_ONCE = 8;
const TRIES = 6;
const FIRST_PAUSE_MS = 500;
const DAY_MS = 86_400_000;

interface Kept {
  readonly id: string;
}

/** What became of a delivery. `left`: QMOI would not have it, as it is too fresh or under way. */
type Outcome = 'taken' | 'known' | 'left';

export const replay: Command = {
  name: 'replay',
  summary: 'feeds stored deliveries through again, here or into another QMOI',
  usage: `Usage: qmoi replay --from TIME [--to TIME] [--platform NAME] [--into URL [--into-token TOKEN]]

Feeds the deliveries that a QMOI has stored through again, the oldest first. They lead to the same runs, jobs, runners and
automations as the first time, and never to an action or a message. What came in the last 30 minutes is left out,
unless another QMOI takes it.

  --from TIME        deliveries stored then or later, such as 2026-01-31 or 2026-01-31T12:00:00Z
  --to TIME          deliveries stored before then (default: now)
  --platform NAME    those of one platform
  --into URL         another QMOI takes them, as after a disaster; what it knows already changes nothing
  --into-token TOKEN its master's token (default: QMOI_INTO_TOKEN, else the token below)
${API_OPTIONS_HELP}`,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...apiOptions,
        ...{ from: { type: 'string' }, to: { type: 'string' }, platform: { type: 'string' } },
        ...{ into: { type: 'string' }, 'into-token': { type: 'string' } },
      },
    });
    if (values.from === undefined) throw new UsageError('Say from when on: --from 2026-01-31.');
    const [from, to] = [
      timeOf('--from', values.from),
      values.to === undefined ? Date.now() : timeOf('--to', values.to),
    ];
    const source = connectApi(values, io);
    const target =
      values.into === undefined
        ? undefined
        : connectApi({ url: values.into, token: values['into-token'] ?? io.env.QMOI_INTO_TOKEN ?? values.token }, io);
    const filters: Record<string, string> = values.platform === undefined ? {} : { platform: values.platform };
    const feed = feederOf(source, target);
    const counts: Record<Outcome, number> = { taken: 0, known: 0, left: 0 };
    // Lists are newest first: day by day, so that of years only a day's ids are held.
    for (let start = from; start < to; start += DAY_MS) {
      const [since, until] = [start, Math.min(to, start + DAY_MS)].map((time) => new Date(time).toISOString());
      const ids: string[] = [];
      for await (const { id } of source.list<Kept>('deliveries', {
        ...filters,
        since: since ?? '',
        until: until ?? '',
      })) {
        ids.push(id);
      }
      await each(ids.reverse(), io, async (id) => {
        counts[await feed(id)]++;
      });
    }
    io.out(summaryOf(counts, target?.url ?? source.url));
    return 0;
  },
};

function timeOf(option: string, text: string): number {
  const time = /^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw new UsageError(`${option} takes a time such as 2026-01-31 or 2026-01-31T12:00:00Z.`);
  return time;
}

function feederOf(source: Api, target: Api | undefined): (id: string) => Promise<Outcome> {
  return async (id) => {
    const path = `/v1/deliveries/${encodeURIComponent(id)}`;
    if (target !== undefined) {
      const { status } = await target.post<{ status: string }>('/v1/deliveries', await source.get(`${path}/body`));
      return status === 'duplicate' ? 'known' : 'taken';
    }
    try {
      await source.post(`${path}/replay`);
      return 'taken';
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 409) return 'left';
      throw error;
    }
  };
}

/** Works through a list, a few at once, with patience for an instance that has its hands full. */
async function each(ids: readonly string[], io: Io, work: (id: string) => Promise<void>): Promise<void> {
  let next = 0;
  const insist = async (id: string): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work(id);
      } catch (error) {
        const passing = error instanceof ApiProblem && (error.status === 429 || error.status >= 500);
        if (!passing || attempt === TRIES) throw error;
        await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1), undefined, { signal: io.signal });
      }
    }
  };
  const worker = async (): Promise<void> => {
    try {
      for (let id = ids[next++]; id !== undefined; id = ids[next++]) await insist(id);
    } finally {
      // Where one gives up, the others have no business to go on.
      next = ids.length;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function summaryOf({ taken, known, left }: Record<Outcome, number>, url: string): string {
  const parts = [`${taken} ${taken === 1 ? 'delivery' : 'deliveries'} fed through again at ${url}`];
  if (known > 0) parts.push(`${known} known there already`);
  if (left > 0) parts.push(`${left} left out, as they came in the last 30 minutes or are being recorded`);
  return `${parts.join('; ')}.`;
}
