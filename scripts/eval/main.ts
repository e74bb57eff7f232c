import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Section, section } from './section.ts';

/**
 * `npm run eval -- [section...] [--data DIR] [--json]`: measures on real data what QMOI claims, as tables and then in one
 * line of JSON (with --json nothing else). Exits with 1 where a target is
 * missed, with 2 where the data is missing.
 */
const sections: Readonly<Record<string, () => Promise<Section>>> = {
  webhooks: async () => section(await import('./webhooks.ts')),
  diagnosis: async () => section(await import('./diagnosis.ts')),
  templates: async () => section(await import('./templates.ts')),
  throughput: async () => section(await import('./throughput.ts')),
};
const DEFAULT_DATA = '../shared/data';

const { values, positionals } = parseArgs({
  options: { data: { type: 'string' }, json: { type: 'boolean' } },
  allowPositionals: true,
});
const data = resolve(values.data ?? (process.env.QMOI_EVAL_DATA || DEFAULT_DATA));
const wanted = positionals.length > 0 ? positionals : Object.keys(sections);
const reports: Record<string, unknown> = {};

/** The exit code. */
async function main(): Promise<number> {
  const strangers = wanted.filter((name) => !Object.hasOwn(sections, name));
  if (strangers.length > 0)
    return stop(`There is no section ${strangers.join(', ')}, but ${Object.keys(sections).join(', ')}.`);
  if (!existsSync(data))
    return stop(`The data is missing: there is no ${data}. Name its folder with --data or QMOI_EVAL_DATA.`);
  let passed = true;
  for (const name of wanted) {
    const part = await sections[name]?.();
    const report = await part?.evaluate(data);
    if (part === undefined || report === undefined) return stop(`The data of ${name} is missing in ${data}.`);
    reports[name] = report;
    passed &&= report.passed;
    if (!values.json) console.log(`${part.render(report)}\n`);
  }
  console.log(values.json ? JSON.stringify(reports, null, 2) : JSON.stringify(reports));
  return passed ? 0 : 1;
}

function stop(reason: string): number {
  console.error(reason);
  return 2;
}

process.exitCode = await main();
