import { describe, expect, it } from 'vitest';
import { diagnose, diagnoseWithoutLog, type Rule, redact } from '../../../../shared/diagnosis/index.ts';
import { asGitHubLog, asGitLabTrace } from '../../../support/logs.ts';

const context = { platform: 'github', jobName: 'build' };
const DNS = "fatal: unable to access 'https://github.com/acme/app.git/': Could not resolve host: github.com";
const filler = (count: number): string => Array.from({ length: count }, (_, i) => `compiling unit ${i}`).join('\n');

/** The text in pieces of the given size, as a network hands it over. */
function* pieces(text: string, size: number): Generator<Uint8Array> {
  const bytes = Buffer.from(text, 'utf8');
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

describe('reading', () => {
  it('finds the same whatever the pieces the log comes in', async () => {
    const log = asGitHubLog(`\u001b[31mHällo\u001b[0m\r\nWörld\rprogress 1\rprogress 2\n${DNS}\n`);
    const whole = await diagnose(log, context);
    expect(whole.cause).toBe('dns-resolution-failed');
    for (const size of [1, 2, 3, 7, 64, 1000]) expect(await diagnose(pieces(log, size), context)).toEqual(whole);
  });

  it.each([
    ['BuildKit', '#12 3.45 '],
    ['Jenkins', '[2024-01-01T00:00:00.123Z] '],
    ['Jenkins, by the clock', '10:00:05 '],
    ['TeamCity', '[10:00:05]W:\t [Step 1/2] '],
    ['CodeBuild', '[Container] 2024/01/01 10:00:00 '],
    ['docker compose', 'web-1  | '],
    ['turbo', '@acme/web:build: '],
    ['pnpm', 'packages/web build: '],
    ['BuildKit, at its end', '0.530 '],
  ])('reads behind what %s puts before each line', async (_, prefix) => {
    expect((await diagnose(`${prefix}npm error code E401\n`, context)).cause).toBe('registry-auth-failed');
  });

  it('reads async sources', async () => {
    async function* source() {
      yield* pieces(DNS, 10);
    }
    expect((await diagnose(source(), context)).cause).toBe('dns-resolution-failed');
  });

  it.each([
    ['LF', 'a\nb\n', 3],
    ['CRLF', 'a\r\nb\r\n', 3],
    ['CR', 'a\rb\r', 3],
    ['a mixture', 'a\r\n\nb\r\r\n', 5],
    ['no line', '', 1],
  ])('counts lines ended by %s', async (_, before, number) => {
    for (const size of [1, 2, 1000])
      expect((await diagnose(pieces(before + DNS, size), context)).lines[0]?.number).toBe(number);
  });

  it('sees through colour codes, even inside a word, and through time stamps', async () => {
    const line = DNS.replace('resolve', 're\u001b[1;31msol\u001b[0mve');
    const { cause, lines } = await diagnose(`2024-05-01T10:00:00.1234567Z ${line}\n`, context);
    expect(cause).toBe('dns-resolution-failed');
    expect(lines[0]?.text).toBe(DNS);
  });

  it.each([
    ['an escape that never ends', `\u001b[${'1;'.repeat(500)}\n${DNS}`],
    ['a title sequence', `\u001b]0;building\u0007${DNS}`],
    ['an escape at the end', `${DNS}\u001b`],
    ['NULs', `\u0000\u0000${DNS}`],
    ['a byte order mark', `\ufeff2024-05-01T10:00:00.1234567Z ${DNS}`],
  ])('survives %s', async (_, log) => {
    for (const size of [1, 5, 100_000])
      expect((await diagnose(pieces(log, size), context)).cause).toBe('dns-resolution-failed');
  });

  it('replaces broken UTF-8', async () => {
    const { cause, lines } = await diagnose([Buffer.from(DNS), Buffer.from([0x20, 0xff, 0xc3])], context);
    expect(cause).toBe('dns-resolution-failed');
    expect(lines[0]?.text).toContain('\ufffd');
  });

  it('takes a line of megabytes apart without losing the lines after it', async () => {
    const found = await diagnose(pieces(`${'x'.repeat(3_000_000)}\n${DNS}\n`, 65_536), context);
    expect(found).toMatchObject({
      cause: 'dns-resolution-failed',
      bytes: 3_000_000 + DNS.length + 2,
      truncated: false,
    });
    expect(found.lines[0]?.number).toBe(2);
    expect(Buffer.byteLength(found.excerpt)).toBeLessThanOrEqual(4096);
  });

  it('stops at maxBytes and says so', async () => {
    let pulled = 0;
    function* endless() {
      for (;;) {
        pulled++;
        yield Buffer.from('all is well\n'.repeat(100));
      }
    }
    const found = await diagnose(endless(), context, { maxBytes: 10_000 });
    expect(found).toMatchObject({ cause: 'unknown', bytes: 10_000, truncated: true });
    expect(pulled).toBe(9);
  });
});

describe('deciding', () => {
  it('answers the contract', async () => {
    const found = await diagnose(asGitHubLog(`Cloning into '.'...\n${DNS}`, { step: 'git clone' }), context);
    expect(found).toMatchObject({
      cause: 'dns-resolution-failed',
      category: 'network',
      transient: true,
      severity: 'medium',
      template: "fatal: unable to access '<url>': Could not resolve host: <host>",
      truncated: false,
    });
    expect(found.fingerprint).toMatch(/^[0-9a-f]{32}$/);
    expect(found.confidence).toBeGreaterThan(0.8);
    expect(found.excerpt).toContain(DNS);
    expect(found.lines[0]?.text).toBe(DNS);
  });

  it.each([
    ['nothing', ''],
    ['success', 'all 12 checks passed\nDone in 3.1s.\n'],
    ['only the closing line', '##[error]Process completed with exit code 1.'],
    [
      'generic lines',
      'make: *** [Makefile:2: all] Error 1\nThe command "make" exited with 2.\nERROR: Job failed: exit code 1',
    ],
    [
      'an npm epilogue',
      'npm ERR! code ELIFECYCLE\nnpm ERR! errno 1\nnpm ERR! A complete log of this run can be found in: /x',
    ],
  ])('answers unknown to %s', async (_, log) => {
    expect(await diagnose(log, context)).toMatchObject({ cause: 'unknown', category: 'unknown', transient: null });
  });

  it('shows what stands before the end when nothing explains the failure', async () => {
    const found = await diagnose(asGitHubLog('deploying\nthe frobnicator is out of whack'), context);
    expect(found.cause).toBe('unknown');
    expect(found.excerpt).toContain('the frobnicator is out of whack');
  });

  it('takes the names of tests for what they are', async () => {
    for (const line of [
      '  ✓ handles ECONNRESET (5 ms)',
      'ok 3 - connect ECONNREFUSED 10.0.0.1:80 is retried',
      'test net::tests::could_not_resolve_host ... ok',
      '--- PASS: Test_read_ECONNRESET (0.00s)',
      'tests/test_net.py::test_no_space_left_on_device PASSED [ 50%]',
      ' 12 |   throw new Error("read ECONNRESET")',
      '+ curl: (6) Could not resolve host: x',
    ])
      expect((await diagnose(line, context)).cause, line).toBe('unknown');
  });

  it('does not read the script that the platform echoes', async () => {
    const log = asGitHubLog('doing things', { step: 'curl https://x || echo "curl: (6) Could not resolve host: x"' });
    expect((await diagnose(log, context)).cause).toBe('unknown');
    const trace = asGitLabTrace('doing things', { step: 'echo "curl: (6) Could not resolve host: x"' });
    expect((await diagnose(trace, context)).cause).toBe('unknown');
  });

  it('lets a failed test win over the network trouble it had on the way', async () => {
    const log = `Error: connect ECONNREFUSED 10.1.2.3:443\n${'.\n'.repeat(30)}Tests:       1 failed, 1 passed, 2 total\n`;
    expect(await diagnose(log, context)).toMatchObject({ cause: 'test-failed', transient: null });
  });

  it('lets the machine win over what fell with it', async () => {
    const log =
      "npm error code ENOSPC\nerror TS2322: Type 'a' is not assignable to type 'b'.\nTests:       3 failed, 3 total\n";
    expect((await diagnose(log, context)).cause).toBe('disk-full');
  });

  it.each([
    [
      'announced',
      `${DNS}\nThe process '/usr/bin/git' failed with exit code 128\nWaiting 16 seconds before trying again\n`,
    ],
    ['a warning', 'npm WARN network read ECONNRESET\n'],
    [
      'on the line itself',
      `WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError: Failed to resolve 'pypi.org''\n`,
    ],
  ])('forgets an error that was retried (%s)', async (_, retried) => {
    const type = "src/a.ts(1,1): error TS2322: Type 'a' is not assignable to type 'b'.";
    expect((await diagnose(asGitHubLog(retried + type), context)).cause).toBe('typescript-error');
    expect(await diagnose(asGitHubLog(`${retried}something else broke`), context)).toMatchObject({
      cause: 'unknown',
      transient: null,
    });
  });

  it('remembers it when the last try failed too', async () => {
    const again = `${DNS}\nWaiting 16 seconds before trying again\n`;
    expect(await diagnose(asGitHubLog(again + again + DNS), context)).toMatchObject({
      cause: 'dns-resolution-failed',
      transient: true,
    });
    const gaveUp = `WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError: Failed to resolve 'pypi.org''\nERROR: giving up\n`;
    expect(await diagnose(asGitHubLog(gaveUp), context)).toMatchObject({
      cause: 'dns-resolution-failed',
      transient: true,
    });
  });

  it('believes no rerun in an error that the step survived by hundreds of lines', async () => {
    const log = asGitHubLog(`curl: (6) Could not resolve host: optional.example.com\n${filler(400)}\nsomething else`);
    expect(await diagnose(log, context)).toMatchObject({ cause: 'dns-resolution-failed', transient: null });
    const compiled = `${DNS}\n${filler(400)}\nrun.sh: line 9: deploy: command not found`;
    expect(await diagnose(asGitHubLog(compiled), context)).toMatchObject({
      cause: 'command-not-found',
      transient: false,
    });
  });

  it('looks only into the step that failed', async () => {
    const passed = asGitHubLog(`${DNS}\n`, { step: 'npm ci' })
      .replace(/^.*##\[error\].*\n/m, '')
      .replace(/^.*Post job[\s\S]*/m, '');
    const failed = asGitHubLog('error TS2322: no\n', { step: 'npm test' });
    expect((await diagnose(passed + failed, context)).cause).toBe('typescript-error');
    expect((await diagnose(passed + asGitHubLog('odd\n'), context)).cause).toBe('unknown');
  });

  it('calls nothing transient that another failed step contradicts, unless the platform names the step', async () => {
    const both =
      asGitHubLog('1 failing\n  1 failing\n', { step: 'npm test' }) + asGitHubLog(DNS, { step: 'upload report' });
    expect(await diagnose(both, context)).toMatchObject({ cause: 'test-failed', transient: null });
    const named = await diagnose(both, { ...context, failedStep: 'Run upload report' });
    expect(named).toMatchObject({ cause: 'dns-resolution-failed', transient: true });
  });

  it('ignores what GitLab runs after the outcome', async () => {
    const trace = asGitLabTrace('error TS2322: no').replace(
      'section_start:1714557600:cleanup_file_variables',
      `section_start:1714557600:after_script\r\u001b[0K${DNS}\nsection_end:1714557600:after_script\r\u001b[0Ksection_start:1714557600:cleanup_file_variables`,
    );
    expect(trace).toContain(DNS);
    expect((await diagnose(trace, { ...context, platform: 'gitlab' })).cause).toBe('typescript-error');
  });

  it('takes rules from outside, ordered by tier', async () => {
    const base = {
      category: 'system',
      severity: 'low',
      remedy: 'Mend it.',
      examples: ['x'],
      nearMisses: ['y'],
    } as const;
    const own: Rule[] = [
      { ...base, id: 'quiet', tier: 'symptom', transient: false, pattern: 'frob', literals: ['frob'] },
      {
        ...base,
        id: 'loud',
        tier: 'decisive',
        transient: true,
        pattern: '^frob \\d+$',
        literals: ['frob'],
        steps: 'deploy',
      },
    ];
    expect((await diagnose('frob 1\nfrob x', context, { rules: own })).cause).toBe('quiet');
    const deploying = { ...context, failedStep: 'Run deploy' };
    expect(await diagnose('frob 1\nfrob x', deploying, { rules: own })).toMatchObject({
      cause: 'loud',
      transient: true,
    });
  });

  it('keeps its bounds on a log that is nothing but errors', async () => {
    const lines = Array.from(
      { length: 20_000 },
      (_, i) => `${i % 2 ? DNS : 'Error: connect ECONNREFUSED 10.0.0.1:80'} ${i}`,
    );
    const found = await diagnose(lines.join('\n'), context);
    expect(found.lines.length).toBeLessThanOrEqual(10);
    expect(found.category).toBe('network');
    expect(Buffer.byteLength(found.excerpt)).toBeLessThanOrEqual(4096);
  });
});

describe('template and fingerprint', () => {
  const of = async (line: string, extra = {}) => diagnose(line, { ...context, ...extra });

  it.each([
    [
      "fatal: unable to access 'https://github.com/acme/app.git/': Could not resolve host: github.com",
      "fatal: unable to access 'https://git.example.org:8443/x/y/': Could not resolve host: git.example.org",
    ],
    [
      "src/price.ts(2,14): error TS2322: Type 'a' is not b.",
      "packages/web/lib/cost.ts(210,4): error TS2322: Type 'a' is not b.",
    ],
    [
      'curl: (28) Operation timed out after 2001 milliseconds with 0 bytes received',
      'curl: (28) Operation timed out after 30000 milliseconds with 512 bytes received',
    ],
    [
      "OSError: [Errno 28] No space left on device: '/tmp/a1b2c3d4e5f6'",
      "OSError: [Errno 28] No space left on device: '/var/lib/x/ffee001122'",
    ],
    [
      'read tcp 10.0.0.2:40122->140.82.112.3:443: read: connection reset by peer',
      'read tcp 172.17.4.19:51044->20.1.2.3:443: read: connection reset by peer',
    ],
    [
      'npm error code EBADENGINE\nnpm error engine x@1.2.3',
      'npm error code EBADENGINE\nnpm error engine x@4.5.6-beta.1',
    ],
    ['[ERROR] Tests run: 12, Failures: 1, Errors: 0', '[ERROR] Tests run: 340, Failures: 2, Errors: 0'],
    [
      'ERROR: Job failed (system failure): pods "runner-ab12-project-7-concurrent-0" is gone 3f2504e0-4f89-11d3-9a0c-0305e82c3301',
      'ERROR: Job failed (system failure): pods "runner-cd34-project-9-concurrent-3" is gone 9b2d04e0-1189-4ad3-8b0c-aa05e82c3399',
    ],
  ])('is the same for %s', async (one, other) => {
    expect((await of(other)).template).toBe((await of(one)).template);
    expect((await of(other)).fingerprint).toBe((await of(one)).fingerprint);
  });

  it.each([
    ["error TS2322: Type 'a' is not b.", "error TS2304: Cannot find name 'a'."],
    ['FAILED test_price.py::test_total - assert 1 == 2', 'FAILED test_price.py::test_tax - assert 1 == 2'],
    ["ModuleNotFoundError: No module named 'requests'", "ModuleNotFoundError: No module named 'yaml'"],
  ])('differs between %s and another', async (one, other) => {
    expect((await of(one)).fingerprint).not.toBe((await of(other)).fingerprint);
  });

  it.each([
    [
      'counts, by the test that failed',
      'Failures:\n\n  1) Cart adds\n\n9 examples, 1 failure\n\nrspec ./cart_spec.rb:3 # Cart adds\n',
      'Cart adds',
    ],
    [
      'counts, by the line that tells most',
      '12 runs, 20 assertions, 1 failures, 0 errors\nError: the gate is closed\n',
      'Error: the gate is closed',
    ],
    [
      'announces, with what it announces',
      'CMake Error at CMakeLists.txt:14 (message):\n\n  Could NOT find OpenSSL\n',
      'CMake Error at <path> (message): Could NOT find OpenSSL',
    ],
    [
      'has a line within it, with that one',
      "> Could not resolve all files for configuration ':compileClasspath'.\n   > Could not find com.acme:lib:1.0.\n",
      "> Could not resolve all files for configuration ':compileClasspath'. > Could not find com.acme:lib:<n>.",
    ],
  ])('calls a failure whose line %s', async (_, log, template) => {
    expect(await of(log)).toMatchObject({ template });
  });

  it('is the same whichever of the failed tests came first', async () => {
    const log = (...tests: string[]): string =>
      `3 examples, 2 failures\n${tests.map((test) => `rspec ./a_spec.rb:1 # ${test}\n`).join('')}`;
    expect((await of(log('Cart b', 'Cart a'))).fingerprint).toBe((await of(log('Cart a', 'Cart b'))).fingerprint);
  });

  it('tells failing steps apart, but not the numbers in their names', async () => {
    const a = await of(DNS, { failedStep: 'Install' });
    expect((await of(DNS, { failedStep: 'Deploy' })).fingerprint).not.toBe(a.fingerprint);
    const node18 = await of(DNS, { failedStep: 'Test on 18', jobName: 'test (18)' });
    expect((await of(DNS, { failedStep: 'Test on 20', jobName: 'test (20)' })).fingerprint).toBe(node18.fingerprint);
  });

  it('is never made of a generic line: jobs without evidence do not fall together', async () => {
    const closing = '##[error]Process completed with exit code 1.';
    const found = await of(closing);
    expect(found.template).toBe('');
    expect((await of(closing, { jobName: 'deploy' })).fingerprint).not.toBe(found.fingerprint);
  });
});

describe('without a log', () => {
  it.each([
    ['timed-out', { cause: 'job-timeout', category: 'performance', transient: null }],
    ['runner-lost', { cause: 'runner-lost-communication', category: 'runner', transient: true }],
    ['canceled', { cause: 'job-canceled', category: 'automation', transient: null }],
    ['failed', { cause: 'log-unavailable', category: 'unknown', transient: null, confidence: 0 }],
  ] as const)('%s', (outcome, expected) => {
    const found = diagnoseWithoutLog(outcome, context);
    expect(found).toMatchObject({ ...expected, lines: [], excerpt: '', bytes: 0, truncated: false });
    expect(found.fingerprint).not.toBe(diagnoseWithoutLog(outcome, { ...context, jobName: 'deploy' }).fingerprint);
    expect(found.remedy).not.toBe('');
  });
});

// The runner's time-out is the judge: a pattern of super-linear time does not come back from these.
describe('hostile text', () => {
  const size = 16_000;
  const hostile = [
    'a'.repeat(size),
    '='.repeat(size),
    `password=${'a='.repeat(size / 2)}`,
    'token: '.repeat(size / 7),
    `eyJ${'a'.repeat(3000)}.`.repeat(5),
    '-eyJ'.repeat(size / 4),
    '-----BEGIN PRIVATE KEY'.repeat(size / 22),
    'a@'.repeat(size / 2),
    'a.'.repeat(size / 2),
    `x@${'a.'.repeat(size / 2)}`,
    'http://'.repeat(size / 7),
    '1.'.repeat(size / 2),
    `error: ${': error: '.repeat(size / 9)}`,
    'Error Error: '.repeat(size / 13),
    'unable to access '.repeat(size / 17),
    'Could not transfer artifact '.repeat(size / 28),
    `${' '.repeat(size)}x`,
    '\u001b[1'.repeat(size / 3),
    'section_start:1:'.repeat(size / 16),
    '##[error]'.repeat(size / 9),
    'attempt 1/1 retrying '.repeat(size / 20),
    `${'FAILED '.repeat(size / 8)}[`,
    'a/b.c:1:'.repeat(size / 8),
    '- '.repeat(size / 2),
    `${'Failed to connect to x port 1 '.repeat(size / 30)}`,
  ];

  it.each(hostile.map((line) => [line.slice(0, 30), line]))('%j…', async (_, line) => {
    const log = `${line}\n`.repeat(12);
    const found = await diagnose(log, { ...context, failedStep: line });
    expect(found.bytes).toBe(Buffer.byteLength(log));
    expect(redact(log).length).toBeGreaterThan(0);
  });
});
