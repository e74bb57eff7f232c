import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Failure, Remediation, Run } from '../../shared/model/index.ts';
import { backtest, type Case, summarise } from '../../shared/remediation/index.ts';
import { ConfigError, parseConfig } from '../../shared/runtime/config.ts';
import { API_OPTIONS_HELP, type Api, apiOptions, connectApi } from '../api.ts';
import { type Command, CommandFailure, UsageError } from '../command.ts';

const SHOWN = 20;

/** The API shows what is not known as null. */
function known<T>(item: T): T {
  return Object.fromEntries(
    Object.entries(item as Record<string, unknown>).filter(([name, value]) => value !== null || name === 'transient'),
  ) as T;
}

async function history(api: Api, since: string): Promise<Case[]> {
  const runs = new Map<string, Run>();
  for await (const run of api.list<Run>('runs', { since })) runs.set(run.id, known(run));
  const failures = new Map<string, Failure[]>();
  for await (const failure of api.list<Failure>('failures', { since })) {
    failures.set(failure.runId, [...(failures.get(failure.runId) ?? []), known(failure)]);
  }
  const cases: Case[] = [];
  for await (const item of api.list<Remediation>('remediations', { since })) {
    const fix = known(item);
    // A run is older than its fix.
    const run = runs.get(fix.runId) ?? known(await api.get<Run>(`/v1/runs/${encodeURIComponent(fix.runId)}`));
    const targets = new Set(fix.targets);
    const theirs = (failures.get(fix.runId) ?? []).filter(({ name, externalId }) => targets.has(name ?? externalId));
    cases.push({ fix, run, failures: theirs });
  }
  return cases;
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
function that judged them, and prints what would have been done and refused, beside what happened. Nothing is called.

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
    const since = new Date(Date.now() - days * 86_400_000).toISOString();
    const { rows, skipped } = backtest(await history(connectApi(values, io), since), policy);
    const summary = summarise(rows);
    if (values.json) {
      io.out(JSON.stringify({ since, summary, skipped, rows }));
      return 0;
    }
    const { same, changed, moves, lost, won } = summary;
    io.out(`${rows.length} decisions of the last ${days} days: ${same} the same, ${changed} different.`);
    if (skipped > 0) io.out(`${skipped} fixes are left out: asked for by hand, or from before decisions were kept.`);
    for (const [move, count] of Object.entries(moves).sort(([, a], [, b]) => b - a)) {
      io.out(`  ${move.padEnd(20)}${count}`);
    }
    io.out(`Not done any more: ${lost.actions}, of which ${lost.helped} had helped.`);
    io.out(`Done in addition: ${won.actions}, of which about ${won.wouldHelp.toFixed(1)} would help.`);
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
