import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compilePattern } from '../../infra/local/patterns/index.ts';
import { Draw } from './support/draw.ts';
import { alternatives, event, pattern } from './support/draw-patterns.ts';

const PAIRS = 60_000;
const SOURCES = join(import.meta.dirname, 'java');
const JARS = join(import.meta.dirname, '../../build/conformance/event-ruler');

const available = ['java', 'mvn'].every((command) => spawnSync(command, ['-version']).status === 0);
if (!available) {
  console.warn(
    '\n*** SKIPPED: java and mvn are not both here, so event patterns were NOT compared with AWS event-ruler. ***\n',
  );
}

function ours(pattern: string, event: string): string {
  let matches: (event: unknown) => boolean;
  try {
    matches = compilePattern(pattern);
  } catch (error) {
    return `invalid\t${(error as Error).message}`;
  }
  return matches(JSON.parse(event)) ? 'match' : 'no match';
}

describe.skipIf(!available)('event patterns against AWS event-ruler', () => {
  beforeAll(() => {
    mkdirSync(JARS, { recursive: true });
    const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${JARS}`];
    execFileSync('mvn', ['-q', '-B', '-f', join(SOURCES, 'pom.xml'), ...copy], { stdio: 'inherit' });
  });

  it(`agrees on ${PAIRS} random pairs`, () => {
    const seed = Number(process.env.QMOI_CONFORMANCE_SEED ?? Date.now() % 1_000_000);
    const draw = new Draw(seed);
    const pairs = Array.from(
      { length: PAIRS },
      (): Pair => [JSON.stringify(pattern(draw)), JSON.stringify(event(draw))],
    );
    const answers = ruler(pairs);

    const counts = new Map<string, number>();
    const differing: { pair: Pair; theirs: string; mine: string }[] = [];
    pairs.forEach((pair, i) => {
      const theirs = answers[i] as string;
      const mine = ours(...pair);
      // The one deliberate difference: what says two things of one path is refused here.
      if (mine.includes('cannot be allowed multiple times')) return;
      const verdict = theirs.split('\t')[0] as string;
      counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
      if (mine.split('\t')[0] !== verdict) differing.push({ pair, theirs, mine });
    });
    // Its automaton now and then answers a field with several matchers otherwise than each of them alone: then it has no say.
    const differences = differing.filter(({ pair, mine }) => inPieces(pair) !== mine);
    console.info(
      `seed ${seed}:`,
      Object.fromEntries(counts),
      `event-ruler contradicts itself on ${differing.length - differences.length}`,
    );
    expect(
      differences
        .slice(0, 10)
        .map(({ pair, theirs, mine }) => `${pair.join('  on  ')}\n  ruler: ${theirs}\n  ours:  ${mine}`)
        .join('\n\n'),
    ).toBe('');
    expect(differing.length).toBeLessThan(PAIRS / 500);
    // A generator that rarely matched would prove little.
    for (const verdict of ['match', 'no match', 'invalid']) expect(counts.get(verdict)).toBeGreaterThan(PAIRS / 50);
    expect((counts.get('match') ?? 0) + (counts.get('no match') ?? 0)).toBeGreaterThan(40_000);
  });
});

type Pair = readonly [pattern: string, event: string];

function ruler(pairs: readonly Pair[]): string[] {
  const java = ['-Xmx512m', '-cp', join(JARS, '*'), join(SOURCES, 'MatchPatterns.java')];
  const input = pairs.map((pair) => pair.join('\t')).join('\n');
  return execFileSync('java', java, { input, maxBuffer: 1 << 28, timeout: 300_000, encoding: 'utf8' }).split('\n');
}

function inPieces([pattern, event]: Pair): string | undefined {
  const pieces = alternatives(JSON.parse(pattern));
  if (pieces === undefined) return undefined;
  const answers = ruler(pieces.map((piece): Pair => [JSON.stringify(piece), event]));
  return answers.includes('match') ? 'match' : 'no match';
}
