import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Row, summarise } from '../../shared/remediation/index.ts';
import { ConfigError, parseConfig } from '../../shared/runtime/config.ts';
import { API_OPTIONS_HELP, type Api, apiOptions, connectApi } from '../api.ts';
import { type Command, CommandFailure, UsageError } from '../command.ts';

const SHOWN = 20;
const VERDICTS = [
  ['act', 'done'],
  ['ask', 'asked'],
  ['hold', 'held'],
  ['refuse', 'refused'],
] as const;

interface Page {
  readonly items: readonly Row[];
  readonly skipped: number;
  readonly nextCursor: string | null;
}

async function judgeAgain(api: Api, policy: object, days: number): Promise<{ rows: Row[]; skipped: number }> {
  const rows: Row[] = [];
  let skipped = 0;
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page: Page = await api.post('/v1/backtests', { policy, days, ...(cursor && { cursor }) });
    rows.push(...page.items);
    skipped += page.skipped;
    cursor = page.nextCursor;
  }
  return { rows, skipped };
}

function policyIn(file: string, cwd: string) {
  const path = resolve(cwd, file);
  if (!existsSync(path)) throw new CommandFailure(`There is no file ${file}.`);
  try {
    return parseConfig(readFileSync(path, 'utf8'), file).remediation;
  } catch (error) {
    if (error instanceof ConfigError) throw new CommandFailure(error.message);
    throw error;
  }
}

export const backtestCommand: Command = {
  name: 'backtest',
  summary: 'what another policy would have done with what happened',
  usage: `Usage: qmoi backtest --policy FILE [--days N] [--json]

Judges the fixes of the last days again under the remediation section of FILE (as in qmoi.config.yaml), by the same
function that judged them, and prints what would have been done, refused, saved and risked, beside
what happened. Nothing is called.

  --policy FILE     the settings to try
  --days N          how far to look back, 1 to 365 (default: 30)
  --json            everything, as one JSON object
${API_OPTIONS_HELP}`,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...apiOptions,
        policy: { type: 'string' },
        days: { type: 'string', default: '30' },
        json: { type: 'boolean' },
      },
    });
    if (values.policy === undefined) throw new UsageError('--policy says which settings to try.');
    const days = Number(values.days);
    if (!Number.isInteger(days) || days < 1 || days > 365) throw new UsageError('--days takes 1 to 365.');
    const policy = policyIn(values.policy, io.cwd);
    const { rows, skipped } = await judgeAgain(connectApi(values, io), policy, days);
    const summary = summarise(rows);
    if (values.json) {
      io.out(JSON.stringify({ days, summary, skipped, rows }));
      return 0;
    }
    const { same, changed, was, would, lost, won } = summary;
    io.out(`${rows.length} decisions of the last ${days} days: ${same} the same, ${changed} different.`);
    if (skipped > 0) io.out(`${skipped} fixes are left out: asked for by hand, or from before decisions were kept.`);
    io.out(`${''.padEnd(12)}${'happened'.padStart(10)}${'would be'.padStart(10)}`);
    for (const [verdict, means] of VERDICTS) {
      io.out(`${means.padEnd(12)}${String(was[verdict]).padStart(10)}${String(would[verdict]).padStart(10)}`);
    }
    io.out(`Saved: ${lost.actions - lost.helped} actions that did not help would not be taken any more.`);
    io.out(`Lost: ${lost.helped} that helped would not be taken any more.`);
    io.out(`Risked: ${won.actions} more would be taken, of which about ${won.wouldHelp.toFixed(1)} would help.`);
    const different = rows.filter(({ was, would }) => was.verdict !== would.verdict);
    for (const { id, at, was, would } of different.slice(0, SHOWN)) {
      io.out(`${at}  ${id}`);
      io.out(`  was   ${was.verdict}: ${was.reason}`);
      io.out(`  would ${would.verdict}: ${would.reason}`);
    }
    if (different.length > SHOWN) io.out(`… and ${different.length - SHOWN} more; --json has them all.`);
    return 0;
  },
};
