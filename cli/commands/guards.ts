import { parseArgs } from 'node:util';
import { API_OPTIONS_HELP, apiOptions, connectApi } from '../api.ts';
import { type Command, UsageError } from '../command.ts';

interface Guard {
  readonly id: string;
  readonly status: string;
  readonly reason: string;
  readonly lastsUntil: string;
  readonly hits: number | null;
  readonly prevented: number | null;
}

export const guards: Command = {
  name: 'guards',
  summary: 'what is kept from failing again: list guards, lift one',
  usage: `Usage: qmoi guards [list]
       qmoi guards delete ID

A guard is what was learned, in force for a time: a machine that takes no jobs, reruns that are held. Deleting one takes
back what it changed, and it does not come again before its time would have been up.

  --json            what the API answers
${API_OPTIONS_HELP}`,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...apiOptions, json: { type: 'boolean' } },
    });
    const [what = 'list', id, ...more] = positionals;
    if (more.length > 0 || (what === 'list' ? id !== undefined : what !== 'delete' || id === undefined)) {
      throw new UsageError('list, or delete and the id of a guard.');
    }
    const api = connectApi(values, io);
    if (what === 'delete') {
      const guard = await api.delete<Guard>(`/v1/guards/${encodeURIComponent(id ?? '')}`);
      io.out(values.json ? JSON.stringify(guard) : `${guard.id}: ${guard.status}`);
      return 0;
    }
    const { items } = await api.get<{ items: readonly Guard[] }>('/v1/guards');
    if (values.json) io.out(JSON.stringify(items));
    else for (const guard of items) for (const line of linesOf(guard)) io.out(line);
    return 0;
  },
};

const linesOf = ({ id, status, lastsUntil, hits, prevented, reason }: Guard): string[] => {
  const had = hits === null ? '' : `, ${hits} hits`;
  const spared = prevented === null ? '' : `, about ${prevented} failures prevented`;
  return [`${id}  ${status} until ${lastsUntil}${had}${spared}`, `  ${reason}`];
};
