import { parseArgs } from 'node:util';
import { API_OPTIONS_HELP, apiOptions, connectApi } from '../api.ts';
import { type Command, UsageError } from '../command.ts';

interface Fix {
  readonly id: string;
  readonly action: string;
  readonly playbook: string;
  readonly repository: string;
  readonly reason: string | null;
  readonly approvalUntil: string | null;
}

const answering = (name: 'approve' | 'refuse', summary: string): Command => ({
  name,
  summary,
  usage: `Usage: qmoi ${name} [ID] [--reason TEXT]

${name === 'approve' ? 'Approves' : 'Refuses'} a fix that waits for the master. Without an ID: lists what waits.

  --reason TEXT     why, for the books
${API_OPTIONS_HELP}`,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...apiOptions, reason: { type: 'string' } },
    });
    if (positionals.length > 1) throw new UsageError('One fix at a time.');
    const api = connectApi(values, io);
    const [id] = positionals;
    if (id !== undefined) {
      const body = values.reason === undefined ? {} : { reason: values.reason };
      const fix = await api.post<Fix>(`/v1/remediations/${encodeURIComponent(id)}/${name}`, body);
      io.out(`${fix.id}: ${name === 'approve' ? 'approved' : 'refused'}`);
      return 0;
    }
    let waiting = 0;
    for await (const fix of api.list<Fix>('remediations', { status: 'awaiting-approval' })) {
      waiting++;
      io.out(`${fix.id}  ${fix.action} for ${fix.repository}, until ${fix.approvalUntil ?? '-'}`);
      if (fix.reason !== null) io.out(`  ${fix.reason}`);
    }
    if (waiting === 0) io.out('Nothing waits for you.');
    return 0;
  },
});

export const approve = answering('approve', 'say yes to a fix that waits, or list what waits');
export const refuse = answering('refuse', 'say no to a fix that waits');
