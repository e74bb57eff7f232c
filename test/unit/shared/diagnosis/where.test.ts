import { expect, it } from 'vitest';
import { diagnose, readSuccess } from '../../../../shared/diagnosis/index.ts';

const context = { platform: 'unknown', jobName: 'build' };
const quiet = (count: number, word = 'compiling unit'): string[] =>
  Array.from({ length: count }, (_, i) => `${word} ${'abcdefghij'[i % 10]}${i}`);
const lines = (...parts: (string | string[])[]): string => `${parts.flat().join('\n')}\n`;
const shown = (ranges: readonly { start: number; end: number }[]): number[] =>
  ranges.flatMap(({ start, end }) => Array.from({ length: end - start + 1 }, (_, i) => start + i));
/** 1-based. */
const place = (log: string, text: string): number => log.split('\n').indexOf(text) + 1;

it('points at the last words of the command that Travis CI calls failed', async () => {
  const log = lines(
    'travis_time:start:1\r$ npm install',
    quiet(30, 'error: optional thing'),
    'The command "npm install" exited with 0.',
    'travis_time:start:2\r$ make check',
    quiet(400),
    'chapter 7, paragraph 12: 3 mm over the margin',
    'make: *** [check] Error 1',
    'travis_time:end:2',
    'The command "make check" exited with 2.',
    'travis_fold:start:after_failure',
    'travis_time:start:3\r$ cat log',
    'fatal: something else altogether',
    'The command "cat log" exited with 1.',
    'travis_fold:end:after_failure',
    'Done. Your build exited with 1.',
  );
  const found = await diagnose(log, { ...context, platform: 'travis' });
  // Each carriage return ends a line as well.
  const margin = place(log.replaceAll('\r', '\n'), 'chapter 7, paragraph 12: 3 mm over the margin');
  expect(found.lines.slice(0, 3).map(({ number }) => number)).toContain(margin);
  expect(shown(found.ranges)).toContain(margin);
  expect(found.excerpt).not.toContain('something else');
  expect(found.excerpt).not.toContain('optional thing');
});

it('takes nothing after the verdict of Jenkins for the cause', async () => {
  const log = lines(
    quiet(20),
    'ERROR: no tag class, spoon has failed',
    "Build step 'Execute shell' marked build as failure",
    'Archiving artifacts',
    'ERROR: Step Publish failed: the archive does not exist.',
    'Finished: FAILURE',
  );
  const { lines: ranked, excerpt } = await diagnose(log, { ...context, platform: 'jenkins' });
  expect(ranked[0]).toMatchObject({ number: 21, text: 'ERROR: no tag class, spoon has failed' });
  expect(excerpt).not.toContain('Publish');
});

it('looks into the stage of a Jenkins pipeline that failed, not into those skipped or run after it', async () => {
  const log = lines(
    '[Pipeline] { (Build)',
    quiet(20, 'error: optional'),
    '[Pipeline] }',
    '[Pipeline] { (Test)',
    quiet(20),
    'the gate is closed',
    '[Pipeline] }',
    '[Pipeline] { (Deploy)',
    'Stage "Deploy" skipped due to earlier failure(s)',
    '[Pipeline] }',
    '[Pipeline] { (Declarative: Post Actions)',
    'fatal: cannot send the report',
    '[Pipeline] }',
    'ERROR: script returned exit code 1',
    'Finished: FAILURE',
  );
  const { lines: ranked, excerpt } = await diagnose(log, { ...context, platform: 'jenkins' });
  expect(ranked[0]?.number).toBe(place(log, 'the gate is closed'));
  expect(excerpt).not.toMatch(/optional|report/);
});

it('looks into the group of a Buildkite log that failed', async () => {
  const stamped = (text: string): string => `\u001b_bk;t=1690000000000\u0007${text}`;
  const log = lines(
    [
      '~~~ Preparing working directory',
      '--- :npm: Install',
      'error: an optional dependency failed',
      '+++ :jest: Test',
      ...quiet(20),
      'the gate is closed',
      '🚨 Error: The command exited with status 1',
      '^^^ +++',
      '~~~ Running agent pre-exit hook',
      'fatal: cannot remove the cache',
    ].map(stamped),
  );
  const { lines: ranked, excerpt } = await diagnose(log, { ...context, platform: 'buildkite' });
  expect(ranked[0]).toMatchObject({ number: 25, text: 'the gate is closed' });
  expect(excerpt).not.toMatch(/optional|cache|bk;t/);
});

it('looks into the task of an Azure pipeline that failed', async () => {
  const log = lines(
    '##[section]Starting: Install',
    'error: an optional dependency failed',
    '##[section]Finishing: Install',
    '##[section]Starting: Test',
    quiet(20),
    'the gate is closed',
    "##[error]Bash exited with code '1'.",
    '##[section]Finishing: Test',
    'fatal: cannot remove the cache',
  );
  const { lines: ranked, excerpt } = await diagnose(log, { ...context, platform: 'azure' });
  expect(ranked.slice(0, 2).map(({ text }) => text)).toContain('the gate is closed');
  expect(excerpt).not.toMatch(/optional|cache/);
});

it('finds a line far above the end, and what belongs to it', async () => {
  const log = lines(
    quiet(500),
    'src/price.c: In function ‘total’:',
    'src/price.c:12:9: error: ‘vat’ undeclared (first use in this function)',
    '   12 |   return vat;',
    '      |          ^~~',
    quiet(5000),
    'make: *** [all] Error 2',
  );
  const found = await diagnose(log, context);
  expect(found.lines[0]?.number).toBe(502);
  expect(shown(found.ranges)).toEqual(expect.arrayContaining([502, 503, 504]));
  expect(found.lines[0]?.score).toBeGreaterThan(found.lines[1]?.score ?? 0);
});

it('never asks for more than 50 lines, and shows them within 4 KB', async () => {
  const log = lines(
    Array.from({ length: 3000 }, (_, i) => `src/file${i}.c:${i}:9: error: ‘v${i}’ undeclared ${'x'.repeat(300)}`),
  );
  const { ranges, excerpt, lines: ranked } = await diagnose(log, context);
  expect(shown(ranges).length).toBeLessThanOrEqual(50);
  expect(Buffer.byteLength(excerpt)).toBeLessThanOrEqual(4096);
  expect(ranked.length).toBeLessThanOrEqual(10);
  expect(ranges).toEqual([...ranges].sort((a, b) => a.start - b.start));
});

it('always shows the line that the cause was read from', async () => {
  const noise = Array.from(
    { length: 60 },
    (_, i) => `Error: thing ${'abcdef'[i % 6]} failed: expected 1 but got ${i} ${'x'.repeat(400)}`,
  );
  const log = lines(noise, 'write /cache/blob: no space left on device', noise);
  const { cause, excerpt, ranges } = await diagnose(log, context);
  expect(cause).toBe('disk-full');
  expect(excerpt).toContain('write /cache/blob: no space left on device');
  expect(shown(ranges)).toContain(61);
});

it('shows nothing where nothing is said', async () => {
  expect(await diagnose('', context)).toMatchObject({ lines: [], ranges: [], excerpt: '', tests: [] });
});

it('lets what a green run prints as well explain nothing, whatever its numbers', async () => {
  const green = lines(
    quiet(50),
    'error: the optional plug-in 12 is not found',
    "fatal: unable to access 'https://a.example/': Could not resolve host: a.example",
    'done in 1.2 s',
  );
  const red = lines(
    quiet(50),
    'error: the optional plug-in 99 is not found',
    "fatal: unable to access 'https://a.example/': Could not resolve host: a.example",
    'the moon is in the wrong phase',
    'done in 3.4 s',
  );
  const alone = await diagnose(red, context);
  expect(alone.cause).toBe('dns-resolution-failed');
  const found = await diagnose(red, context, { success: await readSuccess(green) });
  expect(found.cause).toBe('unknown');
  expect(found.lines.map(({ number }) => number)).toEqual([53]);
  expect(shown(found.ranges)).toContain(53);
});

it('lets a rule that matches green logs yield to every other', async () => {
  const dns = (host: string): string => `fatal: unable to access 'https://${host}/': Could not resolve host: ${host}`;
  const green = lines(quiet(20), dns('mirror.example'), 'done');
  const red = lines(
    quiet(20),
    'src/a.c:3:9: error: ‘vat’ undeclared (first use in this function)',
    dns('other.example'),
  );
  expect((await diagnose(red, context)).cause).toBe('dns-resolution-failed');
  const found = await diagnose(red, context, { success: await readSuccess(green) });
  expect(found).toMatchObject({ cause: 'c-compile-error', transient: false });
  const demoted = await diagnose(red, context, { demoted: new Set(['dns-resolution-failed']) });
  expect(demoted.cause).toBe('c-compile-error');
  const alone = lines(quiet(20), dns('other.example'));
  const firm = await diagnose(alone, context);
  const doubtful = await diagnose(alone, context, { success: await readSuccess(green) });
  expect(doubtful.cause).toBe(firm.cause);
  expect(doubtful.confidence).toBeLessThan(firm.confidence);
});

it('reads no more of a green log than it may', async () => {
  let pulled = 0;
  function* endless() {
    for (;;) {
      pulled++;
      yield Buffer.from(`line ${pulled} says ${'x'.repeat(1000)}\n`);
    }
  }
  const success = await readSuccess(endless(), 10_000);
  expect(pulled).toBeLessThan(20);
  expect(success.has(`line 7 says ${'x'.repeat(1000)}`)).toBe(true);
});
