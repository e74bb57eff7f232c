import { parseArgs } from 'node:util';
import { API_OPTIONS_HELP, apiOptions, connectApi } from '../api.ts';
import { type Command, UsageError } from '../command.ts';

export const rollback: Command = {
  name: 'rollback',
  summary: 'take a fix back',
  usage: `Usage: qmoi rollback ID [--reason TEXT]

Has a fix taken back that was carried out, by the action that undoes it.

  --reason TEXT     why, for the books
${API_OPTIONS_HELP}`,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...apiOptions, reason: { type: 'string' } },
    });
    const [id, ...rest] = positionals;
    if (id === undefined || rest.length > 0) throw new UsageError('One fix at a time, by its id.');
    const body = values.reason === undefined ? {} : { reason: values.reason };
    const fix = await connectApi(values, io).post<{ id: string; action: string }>(
      `/v1/remediations/${encodeURIComponent(id)}/rollback`,
      body,
    );
    io.out(`${fix.id}: ${fix.action} will be taken back`);
    return 0;
  },
};
