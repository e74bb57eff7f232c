import sax from 'sax';
import { fromBufferPromise } from 'yauzl';
import { type TestReport, TestReportBuilder } from './test-names.ts';

/** JUnit's XML, which nearly every test runner writes, and which nobody has specified: only what all of them agree on is read. */

/** Far more than any report has; what exceeds them is none. */
const MAX_DEPTH = 32;
const MAX_ATTRIBUTES = 64;
const MAX_ELEMENTS = 1_000_000;
/** Of an archive: entries looked at, and bytes of all reports in it when they are unpacked. */
const [MAX_ENTRIES, MAX_UNPACKED] = [1_000, 16 * 1024 * 1024];

class NoReport extends Error {
  override readonly name = 'NoReport';
}

/** Reads reports piece by piece. Without documents' own entities, by which a small text would become a large one. */
class Reports {
  readonly report: TestReportBuilder;

  constructor(report: TestReportBuilder) {
    this.report = report;
  }

  /** For the text of one report, in pieces. */
  reader(): { write(text: string): void; end(): void } {
    const parser = sax.parser(true, { strictEntities: true } as object);
    const refuse = (reason: string) => {
      throw new NoReport(reason);
    };
    let [depth, elements] = [0, 0];
    let test: { classname: string | undefined; name: string; outcome: keyof TestReport } | undefined;
    parser.onerror = (error) => refuse(error.message);
    parser.ondoctype = () => refuse('a document with a type of its own');
    parser.onopentag = ({ name, attributes }) => {
      if (++depth > MAX_DEPTH || ++elements > MAX_ELEMENTS) refuse('too deep, or too long');
      if (Object.keys(attributes).length > MAX_ATTRIBUTES) refuse('too many attributes');
      const { name: own, classname } = attributes as Record<string, string | undefined>;
      if (name === 'testcase') test = { classname, name: own ?? '', outcome: 'passed' };
      else if (test !== undefined && test.outcome !== 'failed') test.outcome = OUTCOMES[name] ?? test.outcome;
    };
    parser.onclosetag = (name) => {
      depth--;
      if (name !== 'testcase' || test === undefined) return;
      this.report.add(test.classname, test.name, test.outcome);
      test = undefined;
    };
    return { write: (text) => void parser.write(text), end: () => void parser.close() };
  }
}

/** By an element within a test's. Surefire says what it ran again, and came good, by `flaky…`. */
const OUTCOMES: Readonly<Record<string, keyof TestReport>> = {
  ...{ failure: 'failed', error: 'failed', skipped: 'skipped', flakyFailure: 'retried', flakyError: 'retried' },
};

/** How the tests ended by a report. Throws where it is none. */
export function testsInReport(xml: string): TestReport {
  const report = new TestReportBuilder();
  const reader = new Reports(report).reader();
  reader.write(xml);
  reader.end();
  return report;
}

/**
 * How the tests ended by the reports in a ZIP archive, added to what is known; other files in it are none of ours, and a broken report does not spoil
 * the others. Throws where it is no archive, or unpacks to more than any report is long.
 */
export async function testsInArchive(archive: Buffer, report = new TestReportBuilder()): Promise<TestReport> {
  const reports = new Reports(report);
  const zip = await fromBufferPromise(archive);
  let [entries, left] = [0, MAX_UNPACKED];
  for await (const entry of zip.eachEntry()) {
    if (++entries > MAX_ENTRIES) break;
    if (!/\.xml$/i.test(entry.fileName) || entry.isEncrypted()) continue;
    const reader = reports.reader();
    const decoder = new TextDecoder();
    try {
      for await (const chunk of (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) {
        left -= chunk.byteLength;
        if (left < 0) break;
        reader.write(decoder.decode(chunk, { stream: true }));
      }
      if (left >= 0) reader.end();
    } catch (error) {
      if (!(error instanceof NoReport)) throw error;
    }
    if (left < 0) throw new NoReport(`more than ${MAX_UNPACKED} bytes of reports`);
  }
  return report;
}
