import { readdirSync, readFileSync } from 'node:fs';
import { type Category, rules } from '../../shared/diagnosis/index.ts';

const ROOT = new URL('../fixtures/logs/', import.meta.url);

/** What a real tool printed when it really failed; `test/fixtures/logs/README.md` says how. */
export interface RecordedLog {
  /** `dns-resolution-failed/1` */
  readonly name: string;
  /** Read from disk when asked for. */
  readonly text: string;
  readonly cause: string;
  readonly category: Category;
  readonly transient: boolean | null;
}

/** All recorded logs, by name. The folder a log lies in is its cause: the truth that tests and the demo compare with. */
export const recordedLogs: readonly RecordedLog[] = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name: cause }) => {
    const rule = rules.find(({ id }) => id === cause);
    if (!rule) throw new Error(`test/fixtures/logs/${cause}: no rule of that name`);
    const { category, transient } = rule;
    return readdirSync(new URL(`${cause}/`, ROOT))
      .filter((file) => file.endsWith('.log'))
      .map((file) => ({
        name: `${cause}/${file.slice(0, -4)}`,
        cause,
        category,
        transient,
        get text() {
          return readFileSync(new URL(`${cause}/${file}`, ROOT), 'utf8');
        },
      }));
  })
  .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));

export interface WrapOptions {
  /** The failing step's command; its group is `Run <step>`. */
  readonly step?: string;
  readonly at?: Date;
  readonly exitCode?: number;
}

/** A job log as GitHub's API gives it: time stamps, step groups, a passing step before, clean-up after. */
export function asGitHubLog(text: string, options: WrapOptions = {}): string {
  const { step = 'npm test', at = new Date('2024-05-01T10:00:00Z'), exitCode = 1 } = options;
  const lines = [
    "Current runner version: '2.317.0'",
    '##[group]Operating System',
    'Ubuntu',
    '24.04',
    '##[endgroup]',
    'Prepare workflow directory',
    'Complete job name: build',
    '##[group]Run actions/checkout@v4',
    'with:',
    '  repository: acme/app',
    '  token: ***',
    '##[endgroup]',
    'Syncing repository: acme/app',
    `##[group]Run ${step}`,
    `\u001b[36;1m${step}\u001b[0m`,
    'shell: /usr/bin/bash -e {0}',
    '##[endgroup]',
    ...text.replace(/\n$/, '').split('\n'),
    `##[error]Process completed with exit code ${exitCode}.`,
    'Post job cleanup.',
    '[command]/usr/bin/git version',
    'git version 2.45.2',
    'Cleaning up orphan processes',
  ];
  const stamp = (i: number): string => new Date(at.getTime() + i * 40).toISOString().replace('Z', '0000Z');
  return lines.map((line, i) => `${stamp(i)} ${line}\n`).join('');
}

/** A job trace as GitLab gives it: sections, ANSI colours, carriage returns, the runner's closing line. */
export function asGitLabTrace(text: string, options: WrapOptions = {}): string {
  const { step = 'npm test', at = new Date('2024-05-01T10:00:00Z'), exitCode = 1 } = options;
  const seconds = Math.floor(at.getTime() / 1000);
  const section = (kind: 'start' | 'end', name: string, title = ''): string =>
    `section_${kind}:${seconds}:${name}\r\u001b[0K${title ? `\u001b[0K\u001b[36;1m${title}\u001b[0;m\u001b[0;m\n` : ''}`;
  return [
    '\u001b[0KRunning with gitlab-runner 17.0.0 (44feccdf)\u001b[0;m\n\u001b[0K  on build-7 t3stRunn\u001b[0;m\n',
    section('start', 'prepare_executor', 'Preparing the "docker" executor'),
    '\u001b[0KUsing Docker executor with image node:20 ...\u001b[0;m\n',
    section('end', 'prepare_executor'),
    section('start', 'get_sources', 'Getting source from Git repository'),
    '\u001b[32;1mFetching changes with git depth set to 20...\u001b[0;m\n',
    section('end', 'get_sources'),
    section('start', 'step_script', 'Executing "step_script" stage of the job script'),
    `\u001b[32;1m$ ${step}\u001b[0;m\n`,
    text.endsWith('\n') ? text : `${text}\n`,
    section('end', 'step_script'),
    section('start', 'cleanup_file_variables', 'Cleaning up project directory and file based variables'),
    section('end', 'cleanup_file_variables'),
    `\u001b[31;1mERROR: Job failed: exit code ${exitCode}\n\u001b[0;m\n`,
  ].join('');
}

const HEX = /\b0x[0-9a-f]{4,16}\b|\b(?=[0-9a-f]{0,64}[a-f])(?=[0-9a-f]{0,64}\d)[0-9a-f]{7,64}\b/g;
const NUMBERS = /(?<![\d.])\d{1,6}\.\d{3,20}(?![\d.])|\b1\d{9}\b|\[\d{4,6}:/g;
/** Other digits, the same ones for the same id wherever it stands. */
const shifted = (text: string): string => text.replace(/[1-8]/g, (digit) => String(9 - Number(digit)));

/**
 * The log of the same failure on another day and machine, in another place: other times, ids, addresses in memory and of hosts,
 * durations and folders. What tells one failure from the next (names, messages, codes) is as it was.
 */
export const elsewhere = (log: string): string =>
  log
    .replace(HEX, shifted)
    .replace(NUMBERS, shifted)
    .replace(/\d{4}-\d\d-\d\d(?=[T _])/g, '2031-12-30')
    .replace(/(?<!\d)\d\d([:_])\d\d[:_]\d\d(?!\d)/g, (_, mark: string) => ['23', '59', '58'].join(mark))
    .replace(/(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{2,5})?(?![\d.])/g, '192.0.2.44:8443')
    .replace(/\[(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}\]/g, '[2001:db8:1:2:3:4:5:6]')
    .replaceAll('registry.npmjs.org', 'npm.globex.example')
    .replaceAll('/home/runner/work/app/app', '/builds/globex/backend');
