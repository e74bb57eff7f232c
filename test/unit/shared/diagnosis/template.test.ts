import { describe, expect, it } from 'vitest';
import { templateOf } from '../../../../shared/diagnosis/template.ts';
import { maskedTokens } from '../../../../shared/diagnosis/templates/index.ts';

const masked = (line: string) => maskedTokens(line).join(' ');

/** The same failure twice: another time, machine, amount, path, version, person. */
const SAME: [string, string][] = [
  [
    'The job running on runner GitHub Actions 12 has exceeded the maximum execution time of 360 minutes.',
    'The job running on runner GitHub Actions 7 has exceeded the maximum execution time of 6 hours.',
  ],
  [
    'Error: Timed out waiting 5 s for container db to be healthy',
    'Error: Timed out waiting 2 minutes for container db to be healthy',
  ],
  ['Error: Timeout of 5000ms exceeded.', 'Error: Timeout of 2s exceeded.'],
  ['cannot allocate 512 MB', 'cannot allocate 2 GB'],
  ['error: failed to push to ci@acme.example.org', 'error: failed to push to bot@other.example.com'],
  ['certificate expired at Fri Jun 17 07:07:00 2025', 'certificate expired at Mon Jan 5 17:00:01 2026'],
  ['certificate has expired on 17 Jun 2025 07:07:00 GMT', 'certificate has expired on 5 Jan 2026 17:00:01 GMT'],
  [
    'npm ERR! 503 Service Unavailable - GET https://registry.npmjs.org/left-pad',
    'npm ERR! 503 Service Unavailable - GET https://registry.npmjs.org/react',
  ],
  ['Could not resolve host: gitlab.example.co.uk', 'Could not resolve host: git.acme.internal'],
  [
    'dial tcp: lookup proxy.golang.org on 10.0.0.2:53: no such host',
    'dial tcp: lookup sum.golang.org on 127.0.0.11:53: no such host',
  ],
  [
    'ENOSPC: no space left on device, write /home/runner/work/a/a/node_modules/x.js',
    'ENOSPC: no space left on device, write /builds/g/p/node_modules/y.js',
  ],
  [
    'C:\\hostedtoolcache\\windows\\node\\18.1.0\\x64\\node.exe: not found',
    'C:\\hostedtoolcache\\windows\\node\\20.3.1\\x64\\node.exe: not found',
  ],
  [
    'fatal error: index.h: No such file or directory (build 4f3a2b1c)',
    'fatal error: index.h: No such file or directory (build 99aa0012)',
  ],
  ['pull access denied for registry.example.com/app:1.2.3', 'pull access denied for registry.example.com/app:2.0.0'],
  ['Process completed in 3m12s with signal 9', 'Process completed in 45s with signal 9'],
  [
    'level=error ts=2024-01-01T00:00:00Z msg="pull failed" attempt=3',
    'level=error ts=2025-02-03T04:05:06Z msg="pull failed" attempt=12',
  ],
  [
    'remote: HTTP 502 curl 22 The requested URL returned error: 502',
    'remote: HTTP 503 curl 22 The requested URL returned error: 503',
  ],
  [
    'Runner system failure: cleaning up pod runner-abc1234-project-12-concurrent-0xyz12',
    'Runner system failure: cleaning up pod runner-zzz9999-project-77-concurrent-3abc99',
  ],
  [
    'worker 3 (pid 4711) was sent SIGKILL! Perhaps out of memory?',
    'worker 17 (pid 99) was sent SIGKILL! Perhaps out of memory?',
  ],
  [
    'java.lang.OutOfMemoryError: Java heap space at 0x7fffdeadbeef',
    'java.lang.OutOfMemoryError: Java heap space at 0x7fff00000001',
  ],
  ['download of 12.4 MB at 3.2 MB/s failed', 'download of 900 kB at 120 kB/s failed'],
  ['##[error]The operation was canceled after 00:31:12', '##[error]The operation was canceled after 6:00:00'],
];

/** Two failures that a person would not take for one. */
const DIFFERENT: [string, string][] = [
  ['error TS2322: Type mismatch', 'error TS2345: Type mismatch'],
  ['error[E0425]: cannot find value', 'error[E0308]: cannot find value'],
  ['FAIL src/cart.test.ts', 'FAIL src/price.test.ts'],
  ['FAIL cart.test.ts', 'FAIL price.test.ts'],
  ['tests/test_cart.py::test_total FAILED', 'tests/test_cart.py::test_empty FAILED'],
  ['npm ERR! 404 no such package left-pad', 'npm ERR! 404 no such package react'],
  ["Cannot find module 'express'", "Cannot find module 'lodash'"],
  ["Cannot find module '@acme/cart'", "Cannot find module '@acme/price'"],
  ['undefined reference to `foo_init`', 'undefined reference to `bar_init`'],
  ['java.net.ConnectException: refused', 'java.net.UnknownHostException: refused'],
  ['rule no-unused-vars violated', 'rule no-console violated'],
  ['session opened', 'session closed'],
  ['--- FAIL: TestCart (0.02s)', '--- FAIL: TestPrice (0.02s)'],
  ['command not found: pnpm', 'command not found: yarn'],
  ['Error: secret NPM_TOKEN is not set', 'Error: secret AWS_KEY is not set'],
  ['SC2086: quote this', 'SC2034: quote this'],
];

describe.each([
  ['the template of a failure', templateOf],
  ['the masked form of a line', masked],
])('%s', (_, of) => {
  it.each(SAME)('is the same for %s', (one, other) => expect(of(other)).toBe(of(one)));
  it.each(DIFFERENT)('differs for %s', (one, other) => expect(of(other)).not.toBe(of(one)));
});
