import { bugSwarm, diagnosed } from './corpus.ts';
import { rounded } from './where.ts';

export interface TestsRow {
  readonly corpus: string;
  readonly logs: number;
  readonly expected: number;
  readonly named: number;
  readonly recall: number;
  readonly reported: number;
  readonly precision: number;
}

/** Blanks and a closing colon aside, as the corpus writes names. */
const plain = (name: string): string => name.replace(/:$/, '').replace(/\s+/g, ' ').trim();

export async function testsNamed(data: string) {
  const missed: Record<string, { missed: string[]; extra: string[] }> = {};
  let expected = 0;
  let named = 0;
  let reported = 0;
  let right = 0;
  let logs = 0;
  for (const log of bugSwarm(data)) {
    if (log.tests.length === 0) continue;
    logs++;
    const { tests } = await diagnosed(log.bytes, { platform: 'travis' });
    const ours = new Set(tests.map(plain));
    const truth = new Set(log.tests.map(plain));
    expected += truth.size;
    named += [...truth].filter((name) => ours.has(name)).length;
    reported += ours.size;
    right += [...ours].filter((name) => truth.has(name)).length;
    const gone = [...truth].filter((name) => !ours.has(name));
    const extra = [...ours].filter((name) => !truth.has(name));
    if (gone.length + extra.length > 0) missed[log.name] = { missed: gone, extra };
  }
  const row: TestsRow = {
    ...{ corpus: 'BugSwarm', logs, expected, named, reported },
    recall: rounded(named / expected),
    precision: rounded(right / Math.max(1, reported)),
  };
  return { rows: [row], missed };
}
