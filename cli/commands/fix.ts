import { parseArgs } from 'node:util';
import { API_OPTIONS_HELP, apiOptions, connectApi } from '../api.ts';
import { type Command, UsageError } from '../command.ts';

export const fix: Command = {
  name: 'fix',
  summary: 'ask for a fix by hand: rerun, cancel, clear a cache …',
  usage: `Usage: qmoi fix RUN ACTION [--job ID] [--set NAME=VALUE]… [--lasts HOURS] [--reason TEXT]

Asks QMOI to act on a run: at most once, within the controls and budgets, and proved.
GitHub: rerun-failed-jobs, rerun-with-debug, rerun-job, cancel-run, force-cancel-run, delete-cache, enable-workflow,
dispatch-workflow. GitLab: retry-job, retry-pipeline, cancel-pipeline, play-job.

  --job ID          the job, for actions on one
  --set NAME=VALUE  what the action takes: key and ref of a cache; workflow, ref and input.<name> of a dispatch
  --lasts HOURS     have it taken back by itself after that time
  --reason TEXT     why, for the books
${API_OPTIONS_HELP}`,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...apiOptions,
        job: { type: 'string' },
        set: { type: 'string', multiple: true },
        lasts: { type: 'string' },
        reason: { type: 'string' },
      },
    });
    const [runId, action, ...more] = positionals;
    if (runId === undefined || action === undefined || more.length > 0) throw new UsageError('A run and an action.');
    const hours = values.lasts === undefined ? undefined : Number(values.lasts);
    if (hours !== undefined && !(hours > 0)) throw new UsageError('--lasts takes a number of hours.');
    const pairs = (values.set ?? []).map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new UsageError(`--set takes NAME=VALUE, not "${text}".`);
      return [text.slice(0, at), text.slice(at + 1)] as const;
    });
    const made = await connectApi(values, io).post<{ id: string; status: string }>('/v1/remediations', {
      runId,
      action,
      ...(values.job !== undefined && { jobId: values.job }),
      ...(pairs.length > 0 && { parameters: Object.fromEntries(pairs) }),
      ...(hours !== undefined && { lastsHours: hours }),
      ...(values.reason !== undefined && { reason: values.reason }),
    });
    io.out(`${made.id}: ${made.status}`);
    return 0;
  },
};
