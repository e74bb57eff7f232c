import sax from 'sax';
import { fromBufferPromise } from 'yauzl';
import { MAX_REPORTED, testNameOf } from './test-names.ts';

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
  readonly failed = new Set<string>();

  /** For the text of one report, in pieces. */
  reader(): { write(text: string): void; end(): void } {
    const parser = sax.parser(true, { strictEntities: true } as object);
    const refuse = (reason: string) => {
      throw new NoReport(reason);
    };
    let [depth, elements] = [0, 0];
    let test: { classname: string | undefined; name: string; failed: boolean } | undefined;
    parser.onerror = (error) => refuse(error.message);
    parser.ondoctype = () => refuse('a document with a type of its own');
    parser.onopentag = ({ name, attributes }) => {
      if (++depth > MAX_DEPTH || ++elements > MAX_ELEMENTS) refuse('too deep, or too long');
      if (Object.keys(attributes).length > MAX_ATTRIBUTES) refuse('too many attributes');
      const { name: own, classname } = attributes as Record<string, string | undefined>;
      if (name === 'testcase') test = { classname, name: own ?? '', failed: false };
      else if (test !== undefined && (name === 'failure' || name === 'error')) test.failed = true;
    };
    parser.onclosetag = (name) => {
      depth--;
      if (name !== 'testcase' || test === undefined) return;
      const whole = test.failed ? testNameOf(test.classname, test.name) : undefined;
      if (whole !== undefined && this.failed.size < MAX_REPORTED) this.failed.add(whole);
      test = undefined;
    };
    return { write: (text) => void parser.write(text), end: () => void parser.close() };
  }
}

/** The tests that failed by a report. Throws where it is none. */
export function failedTestsInReport(xml: string): string[] {
  const reports = new Reports();
  const reader = reports.reader();
  reader.write(xml);
  reader.end();
  return [...reports.failed];
}

/**
 * The tests that failed by the reports in a ZIP archive; other files in it are none of ours, and a broken report does not spoil
 * the others. Throws where it is no archive, or unpacks to more than any report is long.
 */
export async function failedTestsInArchive(archive: Buffer): Promise<string[]> {
  const reports = new Reports();
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
  return [...reports.failed];
}
