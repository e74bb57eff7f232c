import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Job } from '../../../../shared/model/index.ts';
import { gitlab } from '../../../../shared/platforms/gitlab/index.ts';
import { testsIn } from '../../../../shared/platforms/gitlab/test-report.ts';
import { testNameOf } from '../../../../shared/platforms/test-names.ts';

describe('a test is named by its class and its own name', () => {
  it.each([
    ['com.acme.CartTest', 'addsItem', 'com.acme.CartTest.addsItem'],
    ['cart', 'cart adds an item', 'cart adds an item'],
    ['', ' adds an item ', 'adds an item'],
    [null, 'test_total', 'test_total'],
    ['spec', '', undefined],
    ['cart', `login with ghp_${'aB3d'.repeat(9)}`, 'cart.login with [redacted]'],
  ])('%s, %s', (classname, name, whole) => {
    expect(testNameOf(classname, name)).toBe(whole);
  });
});

const job = {
  id: 'gitlab:7:job:71',
  externalId: '71',
  name: 'rspec 2/5',
  repository: 'acme/shop',
  runId: 'gitlab:7:1',
} as Job;
const tests = [
  { status: 'failed', name: 'adds', classname: 'Cart' },
  { status: 'error', name: 'empties', classname: 'Cart' },
  { status: 'success', name: 'pays', classname: 'Cart' },
  { status: 'skipped', name: 'ships', classname: 'Cart' },
];

/** Names of the tests that failed. */
function failedTestsIn(...given: Parameters<typeof testsIn>): string[] | undefined {
  const report = testsIn(...given);
  return report && [...report.failed];
}

describe("GitLab's report", () => {
  it('is of several jobs, of which one is meant', () => {
    const other = [{ status: 'failed', name: 'other', classname: 'Other' }];
    const suites = [
      { name: 'jest', build_ids: [70], test_cases: other },
      { name: 'rspec', build_ids: [71, 72], test_cases: tests },
    ];
    expect(failedTestsIn({ test_suites: suites }, job)).toEqual(['Cart.adds', 'Cart.empties']);
    const unnumbered = suites.map(({ build_ids: _, ...suite }) => suite);
    expect(failedTestsIn({ test_suites: unnumbered }, job)).toEqual(['Cart.adds', 'Cart.empties']);
    expect(failedTestsIn({ test_suites: suites.slice(0, 1) }, job)).toBeUndefined();
  });

  it.each([
    undefined,
    'x',
    {},
    { test_suites: {} },
    { test_suites: [null, 1, { name: 'rspec' }, { name: 'rspec', test_cases: 'x' }] },
  ])('tells nothing where it is none: %j', (answer) => {
    expect(failedTestsIn(answer, job)).toBeUndefined();
  });

  it('may have cases that are none, and more than anybody wants', () => {
    const many = Array.from({ length: 2_000 }, (_, index) => ({ status: 'failed', name: `test ${index}` }));
    const suite = { name: 'rspec', test_cases: [null, { status: 'failed' }, { status: 5, name: 'x' }, ...many] };
    const found = failedTestsIn({ test_suites: [suite] }, job);
    expect(found).toHaveLength(500);
    expect(found?.[0]).toBe('test 0');
  });

  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  it.each([
    [
      200,
      JSON.stringify({ test_suites: [{ name: 'rspec', build_ids: [71], test_cases: tests }] }),
      ['Cart.adds', 'Cart.empties'],
    ],
    [404, '{}', undefined],
    [500, '{}', undefined],
    [200, 'x'.repeat(5 * 1024 * 1024), undefined],
  ])('is asked for once, and done without where it is not to be had: %i', async (status, body, expected) => {
    const urls: unknown[] = [];
    const server = createServer((request, response) => {
      urls.push(request.url);
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = await gitlab.client(async () => ({ 'gitlab-token': 'glpat', 'gitlab-url': url }));
    const report = await client?.testReport?.(job);
    expect(report && [...report.failed]).toEqual(expected);
    expect(report && [[...report.passed], [...report.skipped]]).toEqual(expected && [['Cart.pays'], ['Cart.ships']]);
    expect(urls).toEqual(['/api/v4/projects/acme%2Fshop/pipelines/7/test_report']);
  });
});
