import { parseArgs } from 'node:util';
import { API_OPTIONS_HELP, apiOptions, connectApi } from '../api.ts';
import { type Command, UsageError } from '../command.ts';

interface Fix {
  readonly id: string;
  readonly action: string;
  readonly repository: string;
  readonly reason: string | null;
  readonly approvalUntil: string | null;
}

/** The master's word on a fix. */
interface Word {
  readonly name: 'approve' | 'refuse' | 'rollback';
  readonly summary: string;
  /** Below the usage. */
  readonly does: string;
  /** What comes of it. */
  readonly said: (fix: Fix) => string;
}

const saying = ({ name, summary, does, said }: Word): Command => ({
  name,
  summary,
  usage: `Usage: qmoi ${name} ${name === 'rollback' ? 'ID' : '[ID]'} [--reason TEXT]

${does}

  --reason TEXT     why, for the books
${API_OPTIONS_HELP}`,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...apiOptions, reason: { type: 'string' } },
    });
    const [id, ...rest] = positionals;
    if (rest.length > 0 || (id === undefined && name === 'rollback')) {
      throw new UsageError('One fix at a time, by its id.');
    }
    const api = connectApi(values, io);
    if (id !== undefined) {
      const body = values.reason === undefined ? {} : { reason: values.reason };
      const fix = await api.post<Fix>(`/v1/remediations/${encodeURIComponent(id)}/${name}`, body);
      io.out(`${fix.id}: ${said(fix)}`);
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

export const approve = saying({
  name: 'approve',
  summary: 'say yes to a fix that waits, or list what waits',
  does: 'Approves a fix that waits for the master. Without an ID: lists what waits.',
  said: () => 'approved',
});
export const refuse = saying({
  name: 'refuse',
  summary: 'say no to a fix that waits',
  does: 'Refuses a fix that waits for the master. Without an ID: lists what waits.',
  said: () => 'refused',
});
export const rollback = saying({
  name: 'rollback',
  summary: 'take a fix back',
  does: 'Has a fix taken back that was carried out, by the action that undoes it.',
  said: ({ action }) => `${action} will be taken back`,
});
