import { parseArgs } from 'node:util';
import { type Diagnosis, diagnose as diagnoseLog, readSuccess } from '../../shared/diagnosis/index.ts';
import { type Command, CommandFailure, UsageError } from '../command.ts';
import { readLog } from '../read-log.ts';

/** However long it is: the failure stands at its end, memory stays flat, and who has called can end it. */
const maxBytes = Number.POSITIVE_INFINITY;

/** One object a line and file of `--json`. Line numbers are 1-based, lines split on CRLF, LF and CR. */
interface Printed {
  readonly file: string;
  readonly cause: string;
  readonly category: string;
  readonly transient: boolean | null;
  readonly severity: string;
  readonly confidence: number;
  readonly lines: Diagnosis['lines'];
  readonly excerpt: Diagnosis['ranges'];
  readonly tests: readonly string[];
  readonly template: string;
  readonly fingerprint: string;
  readonly bytes: number;
  readonly ms: number;
}

export const diagnose: Command = {
  name: 'diagnose',
  summary: 'why a job failed, from its log',
  usage: `Usage: qmoi diagnose FILE… [--json] [--platform P] [--job NAME] [--success-log FILE]

Says what broke and where it stands in the log. FILE may end in .gz; - reads standard input.
An unknown cause is said to be unknown. Nothing is sent anywhere.

  --json               one JSON object a line and file
  --platform P         github, gitlab, travis, jenkins …
  --job NAME           the job's name, for the fingerprint and for rules about a kind of job
  --success-log FILE   the job's last successful log: what it prints as well explains nothing`,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        platform: { type: 'string' },
        job: { type: 'string' },
        'success-log': { type: 'string' },
      },
    });
    if (positionals.length === 0) throw new UsageError('Which log? Give its file, or - for standard input.');
    const streams = [...positionals, values['success-log']].filter((file) => file === '-');
    if (streams.length > 1) throw new UsageError('Standard input can be read only once.');
    const green = values['success-log'];
    const success = green === undefined ? undefined : await readSuccess(readLog(green, io));
    const context = { platform: values.platform ?? 'unknown', jobName: values.job ?? '' };
    let failed = false;
    for (const file of positionals) {
      try {
        const started = performance.now();
        const found = await diagnoseLog(readLog(file, io), context, { maxBytes, ...(success && { success }) });
        const printed = toPrinted(file, found, performance.now() - started);
        io.out(values.json ? JSON.stringify(printed) : forPeople(printed, found));
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error;
        // One unreadable file keeps the others from nothing.
        io.err(error.message);
        failed = true;
      }
    }
    return failed ? 1 : 0;
  },
};

function toPrinted(file: string, found: Diagnosis, ms: number): Printed {
  const { cause, category, transient, severity, confidence, lines, ranges, tests, template, fingerprint, bytes } =
    found;
  return {
    ...{ file, cause, category, transient, severity, confidence, lines, excerpt: ranges, tests, template, fingerprint },
    ...{ bytes, ms: Math.round(ms * 10) / 10 },
  };
}

const TRANSIENT = new Map<boolean | null, string>([
  [true, 'a rerun may pass'],
  [false, 'a rerun will not help'],
  [null, 'whether a rerun helps is not known'],
]);
const MAX_TESTS = 10;

function forPeople(printed: Printed, { remedy, excerpt }: Diagnosis): string {
  const { file, cause, category, transient, confidence, tests } = printed;
  const places = printed.excerpt.map(({ start, end }) => (start === end ? `${start}` : `${start}–${end}`)).join(', ');
  const more = tests.length > MAX_TESTS ? [`  … and ${tests.length - MAX_TESTS} more`] : [];
  return [
    `${file}: ${cause} (${category}, ${TRANSIENT.get(transient)}, confidence ${confidence})`,
    remedy,
    ...(tests.length > 0
      ? ['', 'Failed tests:', ...tests.slice(0, MAX_TESTS).map((name) => `  ${name}`), ...more]
      : []),
    ...(places === '' ? [] : ['', `Lines ${places}:`, excerpt]),
    '',
  ].join('\n');
}
