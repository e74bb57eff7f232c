import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { API_OPTIONS_HELP, apiOptions, connectApi } from '../api.ts';
import { type Command, CommandFailure, type Io, UsageError } from '../command.ts';

interface Known {
  readonly id: string;
  readonly by: string;
  readonly category: string;
  readonly tier: string;
  readonly transient: boolean | null;
}

interface Trial {
  readonly accepted: boolean;
  readonly problems: readonly string[];
  readonly doubts: readonly string[];
  readonly tried: { readonly failures: number; readonly greenLogs: number };
  readonly explains: { readonly count: number; readonly items: readonly { id: string; repository: string }[] };
  readonly changes: { readonly count: number; readonly causes: readonly string[] };
  readonly yields: number;
}

/** JSON is YAML too. */
function ruleIn(file: string, io: Io): object {
  const path = resolve(io.cwd, file);
  if (!existsSync(path)) throw new CommandFailure(`There is no file ${file}.`);
  const rule: unknown = parse(readFileSync(path, 'utf8'));
  if (rule === null || typeof rule !== 'object') throw new CommandFailure(`${file} holds no rule.`);
  return rule;
}

function tell({ problems, doubts, tried, explains, changes, yields }: Trial, io: Io): void {
  io.out(`Tried against ${tried.failures} failures and ${tried.greenLogs} green logs.`);
  io.out(`  explains ${explains.count} of unknown cause`);
  for (const { id, repository } of explains.items) io.out(`    ${repository}  ${id}`);
  io.out(
    `  changes ${changes.count}${changes.count > 0 ? ` (${changes.causes.join(', ')})` : ''}, yields in ${yields}`,
  );
  for (const reason of [...problems, ...doubts]) io.out(`  ${reason}`);
}

export const rules: Command = {
  name: 'rules',
  summary: 'the rules of diagnosis: list them, try, set, apply and remove your own',
  usage: `Usage: qmoi rules [list]
       qmoi rules try ID FILE
       qmoi rules set ID FILE [--force]
       qmoi rules apply ID
       qmoi rules remove ID

FILE is YAML or JSON: category, pattern (RE2), literals, remedy, examples, and optionally transient, severity, tier,
exclude, steps, nearMisses. A rule is tried against stored failures and green logs before it is saved; apply diagnoses
stored failures of unknown cause by it.

  --force           save it although it takes failures of many causes
  --json            what the API answers
${API_OPTIONS_HELP}`,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...apiOptions, force: { type: 'boolean' }, json: { type: 'boolean' } },
    });
    const [what = 'list', id, file, ...more] = positionals;
    const path = `/v1/rules/${encodeURIComponent(id ?? '')}`;
    const wanted = { list: 1, apply: 2, remove: 2, try: 3, set: 3 }[what];
    if (wanted === undefined) throw new UsageError('list, try, set, apply or remove.');
    if (Math.max(positionals.length, 1) !== wanted || more.length > 0) throw new UsageError(`Not what ${what} takes.`);
    const api = connectApi(values, io);
    const out = (answer: unknown, shown: () => void): void => (values.json ? io.out(JSON.stringify(answer)) : shown());
    if (what === 'list') {
      const { items } = await api.get<{ items: readonly Known[] }>('/v1/rules');
      out(items, () => {
        for (const { id, by, category, tier, transient } of items) {
          const rerun = transient === null ? '' : transient ? 'transient' : 'deterministic';
          io.out([id.padEnd(40), category.padEnd(12), tier.padEnd(9), by.padEnd(9), rerun].join(' ').trimEnd());
        }
      });
      return 0;
    }
    if (what === 'remove') {
      const gone = await api.delete(path);
      out(gone, () => io.out(`${id}: removed`));
      return 0;
    }
    if (what === 'apply') {
      const applied = await api.post<{ diagnosed: number; left: number }>(`${path}/apply`);
      out(applied, () => io.out(`${id}: ${applied.diagnosed} failures diagnosed, ${applied.left} left`));
      return 0;
    }
    const rule = ruleIn(file ?? '', io);
    if (what === 'try') {
      const trial = await api.post<Trial>(`${path}/try`, rule);
      out(trial, () => tell(trial, io));
      return trial.accepted ? 0 : 1;
    }
    const saved = await api.put<{ trial: Trial }>(path, { ...rule, ...(values.force && { force: true }) });
    out(saved, () => {
      tell(saved.trial, io);
      io.out(`${id}: saved, holds within a minute`);
    });
    return 0;
  },
};
