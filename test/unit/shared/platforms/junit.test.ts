import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Job } from '../../../../shared/model/index.ts';
import { reportsAmong } from '../../../../shared/platforms/github/artifacts.ts';
import { github } from '../../../../shared/platforms/github/index.ts';
import { testsInArchive, testsInReport } from '../../../../shared/platforms/junit.ts';
import { zipOf } from '../../../support/zip.ts';

/** As pytest, Surefire and jest-junit write it. */
const REPORT = `<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" tests="3">
  <testcase classname="tests.test_cart" name="test_add" time="0.01"/>
  <testcase classname="tests.test_cart" name="test_total[a &lt; b]" time="0.01"><failure message="assert">E <![CDATA[<error>]]></failure></testcase>
  <testcase name="com.acme.PriceTest.rounds" classname="com.acme.PriceTest"><error type="NPE"/></testcase>
  <testcase classname="cart" name="is slow"><skipped/></testcase>
  <testcase classname="cart" name="came good"><flakyFailure message="once"/></testcase>
</testsuite></testsuites>`;
const FAILED = ['tests.test_cart.test_total[a < b]', 'com.acme.PriceTest.rounds'];

describe("a report in JUnit's format", () => {
  it('names the tests that failed, and apart from them those that came good', () => {
    const { failed, passed, skipped, retried } = testsInReport(REPORT);
    expect([...failed]).toEqual(FAILED);
    expect([...passed]).toEqual(['tests.test_cart.test_add', 'cart.came good']);
    expect([...skipped]).toEqual(['cart.is slow']);
    expect([...retried]).toEqual(['cart.came good']);
    expect([...testsInReport('<testsuite/>').failed]).toEqual([]);
  });

  it.each([
    ['what is no XML', 'tests failed: 3'],
    ['a report that breaks off', REPORT.slice(0, -30)],
    [
      'a document with entities of its own',
      `<!DOCTYPE t [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><testsuite>&b;</testsuite>`,
    ],
    ['an entity from elsewhere', '<testsuite><testcase name="&secret;"><failure/></testcase></testsuite>'],
    ['depth', '<a>'.repeat(100) + '</a>'.repeat(100)],
    ['attributes', `<testsuite ${Array.from({ length: 100 }, (_, i) => `a${i}="1"`).join(' ')}/>`],
  ])('is refused for %s', (_, xml) => {
    expect(() => testsInReport(xml)).toThrow();
  });

  it('tells of so many tests at most, by names of so many characters', () => {
    const long = `<testcase name="${'x'.repeat(100_000)}"><failure/></testcase>`;
    expect([...testsInReport(long).failed].map(({ length }) => length)).toEqual([300]);
    const cases = Array.from({ length: 2_000 }, (_, i) => `<testcase name="t${i}"><failure/></testcase>`);
    expect([...testsInReport(`<testsuite>${cases.join('')}</testsuite>`).failed]).toHaveLength(500);
  });
});

describe('an archive of reports', () => {
  it('is read but for what is no report, and a broken one does not spoil the others', async () => {
    const archive = zipOf([
      { name: 'coverage/index.html', content: '<html>' },
      { name: 'TEST-broken.xml', content: '<testsuite' },
      { name: 'target/surefire-reports/TEST-a.XML', content: REPORT },
      { name: 'b.xml', content: '<testsuite><testcase name="b"><failure/></testcase></testsuite>' },
    ]);
    expect([...(await testsInArchive(archive)).failed]).toEqual([...FAILED, 'b']);
  });

  it.each([
    ['what is none', Buffer.from('PK, but no more than that')],
    ['one that breaks off', zipOf([{ name: 'a.xml', content: REPORT }]).subarray(0, 100)],
    [
      'one that unpacks to more than any report',
      zipOf([{ name: 'a.xml', content: `<a>${' '.repeat(20_000_000)}</a>` }]),
    ],
    ['one that claims to be smaller', zipOf([{ name: 'a.xml', content: ' '.repeat(20_000_000), claimedSize: 10 }])],
    ['one with a path out of it', zipOf([{ name: '../../a.xml', content: REPORT }])],
  ])('is refused for %s', async (_, archive) => {
    await expect(testsInArchive(archive)).rejects.toThrow();
  });
});

const job = {
  ...{ externalId: '11', repository: 'octo-org/octo-repo', runId: 'github:5:1', name: 'test' },
  ...{ startedAt: '2026-03-04T05:00:00.000Z', endedAt: '2026-03-04T05:10:00.000Z' },
} as Job;
const artifact = (id: number, name: string, more: object = {}) => ({
  ...{ id, name, size_in_bytes: 900, expired: false, created_at: '2026-03-04T05:09:00Z' },
  ...more,
});

it('artifacts of a run that may be the report of a job say so, and came into being while it ran', () => {
  const artifacts = [
    artifact(1, 'test-results (ubuntu)'),
    artifact(2, 'junit', { created_at: '2026-03-04T05:10:30Z' }),
    artifact(3, 'unit-tests'),
    artifact(4, 'latest-build'),
    artifact(5, 'TestReport', { size_in_bytes: 50_000_000 }),
    artifact(6, 'test-results', { expired: true }),
    artifact(7, 'test-results', { created_at: '2026-03-04T04:00:00Z' }),
    artifact(8, 'coverage'),
    artifact(9, 'testresults'),
    null,
    { id: 'x' },
  ];
  expect(reportsAmong(artifacts, job)).toEqual([2, 9, 3]);
  const { endedAt: _, ...running } = job;
  expect(reportsAmong(artifacts, running as Job)).toEqual([]);
});

describe('GitHub', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  /** A GitHub that has one artifact, and a store beside it that does. */
  async function failedTests(archive: Buffer | undefined) {
    const calls: string[] = [];
    const serve = async (answer: (path: string) => [number, Record<string, string>, string | Buffer]) => {
      const server = createServer((request, response) => {
        const path = request.url ?? '';
        calls.push(`${path} ${request.headers.authorization ?? 'nobody'}`);
        const [status, headers, body] = answer(path);
        response.writeHead(status, headers).end(body);
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    const store = await serve(() => (archive === undefined ? [404, {}, ''] : [200, {}, archive]));
    const api = await serve((path) =>
      path.endsWith('/zip')
        ? [302, { location: `${store}/blob` }, '']
        : [200, { 'content-type': 'application/json' }, JSON.stringify({ artifacts: [artifact(7, 'junit')] })],
    );
    const client = await github.client(async () => ({ 'github-token': 'ghp_secret', 'github-api-url': api }));
    return { told: (await client?.testReport?.(job))?.failed, calls };
  }

  it("tells failed tests by the artifacts of a job's run, and nobody else its token", async () => {
    const { told, calls } = await failedTests(zipOf([{ name: 'a.xml', content: REPORT }]));
    expect([...(told ?? [])]).toEqual(FAILED);
    expect(calls).toEqual([
      '/repos/octo-org/octo-repo/actions/runs/5/artifacts?per_page=100 token ghp_secret',
      '/repos/octo-org/octo-repo/actions/artifacts/7/zip token ghp_secret',
      '/blob nobody',
    ]);
  });

  it.each([
    ['is gone', undefined],
    ['is no archive', Buffer.from('x')],
    ['is longer than it said', Buffer.alloc(3 * 1024 * 1024)],
  ])('tells nothing by an artifact that %s', async (_, archive) => {
    expect((await failedTests(archive)).told).toBeUndefined();
  });
});
