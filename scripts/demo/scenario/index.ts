import { failing, github, gitlab, green } from './pieces.ts';
import type { Act, Scenario } from './types.ts';

export type { Act, PlannedJob, PlannedRun, Scenario, Stray, Trouble } from './types.ts';

const SHOP = 'acme/shop';
const PAYMENTS = 'acme/payments';
const DOCS = 'acme/docs';
const API = 'platform/api';
const MOBILE = 'platform/mobile/app';

const checkout = 'Run actions/checkout@v4';
const install = [checkout, 'Run npm ci'];
const PUBLISH = { needs: ['build'], steps: [...install, 'Run npm publish'] };

const morning: Act = {
  title: 'A quiet morning',
  duplicates: 5,
  late: 5,
  strays: ['github-ping', 'github-unknown-event'],
  runs: [
    github(SHOP, { key: 'shop-green', workflow: 'ci', message: 'Round the total once' }, [
      green('lint', 'hosted3', { steps: [...install, 'Run npm run lint'] }),
      green('test', 'hosted8', { steps: [...install, 'Run npm test'], durationSeconds: 95 }),
      green('build', 'hosted3', { needs: ['lint', 'test'] }),
    ]),
    github(PAYMENTS, { key: 'payments-green', workflow: 'ci', message: 'Name the currency' }, [
      green('test (18)', 'metal1', { durationSeconds: 70 }),
      green('test (20)', 'metal2', { durationSeconds: 64 }),
      green('package', 'metal1', { needs: ['test (18)', 'test (20)'] }),
    ]),
    gitlab(API, { key: 'api-green', workflow: 'api', message: 'Answer HEAD as well' }, [
      green('deps', 'shared', { stage: 'prepare' }),
      green('lint', 'shared', { stage: 'test' }),
      green('unit', 'shared', { stage: 'test', durationSeconds: 80 }),
      green('image', 'shared', { stage: 'build' }),
    ]),
    github(DOCS, { key: 'docs-green', workflow: 'site', message: 'Fix a link' }, [
      green('render', 'hosted21'),
      green('publish', 'hosted21', { needs: ['render'] }),
    ]),
  ],
};

const network: Act = {
  title: 'The network has a bad minute',
  duplicates: 9,
  late: 5,
  strays: ['github-bad-signature'],
  runs: [
    github(SHOP, { key: 'shop-dns', workflow: 'ci', message: 'Cache the catalogue', tell: true }, [
      green('lint', 'hosted3', { steps: [...install, 'Run npm run lint'] }),
      green('test', 'hosted8', { steps: [...install, 'Run npm test'], durationSeconds: 95 }),
      failing('build', {
        runner: 'hosted3',
        needs: ['lint', 'test'],
        steps: ['Run git clone https://github.com/acme/theme .'],
        cause: 'dns-resolution-failed',
        says: { recorded: 'dns-resolution-failed/1' },
        incident: 'shop: no address for github.com, first time',
        fix: 'verified',
        logMissingCalls: 2,
      }),
      green('publish', 'hosted3', { needs: ['build'] }),
    ]),
    github(PAYMENTS, { key: 'payments-reset', workflow: 'ci', message: 'Retry on a locked row', tell: true }, [
      ...['18', '20'].map((version) =>
        failing(`test (${version})`, {
          runner: version === '18' ? 'metal1' : 'metal2',
          steps: install,
          cause: 'connection-reset',
          says: { recorded: 'connection-reset/2' },
          incident: 'payments: the registry hangs up',
          fix: 'verified',
          logMissing: 'blob',
          logMissingCalls: version === '18' ? 1 : 0,
        }),
      ),
      green('package', 'metal1', { needs: ['test (18)', 'test (20)'] }),
    ]),
    gitlab(API, { key: 'api-registry', workflow: 'api', message: 'Page through the orders', tell: true }, [
      failing('deps', {
        runner: 'shared',
        stage: 'prepare',
        cause: 'registry-server-error',
        says: { recorded: 'registry-server-error/1' },
        incident: 'api: the registry is down',
        fix: 'verified',
        logMissingCalls: 1,
      }),
      green('lint', 'shared', { stage: 'test' }),
      green('unit', 'shared', { stage: 'test', durationSeconds: 80 }),
    ]),
    gitlab(MOBILE, { key: 'mobile-git', workflow: 'app', message: 'Larger buttons' }, [
      green('lint', 'shared', { stage: 'test' }),
      failing('assemble', {
        runner: 'macStudio',
        stage: 'test',
        cause: 'git-server-error',
        says: { recorded: 'git-server-error/1' },
        incident: 'mobile: the git server is down',
        fix: 'verified',
      }),
    ]),
    github(DOCS, { key: 'docs-green-again', workflow: 'site', message: 'Explain the refund' }, [
      green('render', 'hosted21'),
      green('publish', 'hosted21', { needs: ['render'] }),
    ]),
  ],
};

const defects: Act = {
  title: 'What a rerun would not fix',
  duplicates: 7,
  late: 4,
  strays: ['github-wrong-shape', 'gitlab-unknown-event', 'gitlab-bad-token'],
  runs: [
    github(SHOP, { key: 'shop-types', workflow: 'ci', branch: 'price', message: 'Prices as text', tell: true }, [
      green('lint', 'hosted3', { steps: [...install, 'Run npm run lint'] }),
      failing('build', {
        runner: 'hosted8',
        steps: [...install, 'Run npm run build'],
        cause: 'typescript-error',
        says: { recorded: 'typescript-error/1' },
        incident: 'shop: the price branch does not compile',
        fix: 'refused',
      }),
      green('publish', 'hosted3', { needs: ['build'] }),
    ]),
    github(PAYMENTS, { key: 'payments-unknown', workflow: 'ledger', event: 'schedule', message: 'Nightly ledger' }, [
      failing('reconcile', {
        runner: 'metal2',
        steps: [checkout, 'Run ./bin/reconcile --night'],
        cause: 'unknown',
        says: { text: 'reconcile: 412 entries read\nreconcile: 3 entries left over, giving the night away\n' },
        incident: 'payments: nobody knows what the ledger means',
        fix: 'refused',
      }),
    ]),
    github(DOCS, { key: 'docs-timeout', workflow: 'site', message: 'Search in every page' }, [
      failing('render', {
        runner: 'hosted21',
        steps: [checkout, 'Run npm run render'],
        cause: 'job-timeout',
        says: { text: 'rendering 2,114 pages\n' },
        incident: 'docs: rendering hangs',
        fix: 'refused',
        timedOut: true,
        durationSeconds: 360,
      }),
      green('publish', 'hosted21', { needs: ['render'] }),
    ]),
    github(SHOP, { key: 'shop-expired', workflow: 'audit', event: 'schedule', message: 'Nightly audit' }, [
      failing('audit', {
        runner: 'hosted8',
        cause: 'log-unavailable',
        says: { text: '' },
        incident: 'shop: the audit left no log',
        fix: 'refused',
        logExpired: true,
      }),
    ]),
    github(SHOP, { key: 'shop-mixed', workflow: 'e2e', branch: 'price', message: 'Prices end to end' }, [
      failing('download', {
        runner: 'hosted3',
        steps: ['Run curl -O https://downloads.example.com/browsers.zip'],
        cause: 'download-truncated',
        says: { recorded: 'download-truncated/1' },
        incident: 'shop: the browsers came in part',
        fix: 'refused',
      }),
      failing('browser', {
        runner: 'hosted8',
        steps: [...install, 'Run node server.js'],
        cause: 'missing-module',
        says: { recorded: 'missing-module/1' },
        incident: 'shop: express was never installed',
        fix: 'refused',
      }),
    ]),
    gitlab(API, { key: 'api-mixed', workflow: 'api', branch: 'orders', message: 'Sort the orders', tell: true }, [
      failing('fetch', {
        runner: 'shared',
        stage: 'test',
        cause: 'rate-limited',
        says: { recorded: 'rate-limited/2' },
        incident: 'api: too many downloads',
        fix: 'verified',
      }),
      failing('unit', {
        runner: 'shared',
        stage: 'test',
        cause: 'test-failed',
        says: { recorded: 'test-failed/2' },
        incident: 'api: the tax is wrong',
        fix: 'refused',
      }),
    ]),
    gitlab(MOBILE, { key: 'mobile-lint', workflow: 'app', message: 'Dark mode' }, [
      failing('lint', {
        runner: 'shared',
        stage: 'test',
        cause: 'lint-failed',
        says: { recorded: 'lint-failed/1' },
        incident: 'mobile: the linter is allowed to complain',
        fix: 'none',
        allowFailure: true,
      }),
      green('assemble', 'macStudio', { stage: 'test' }),
    ]),
    github(PAYMENTS, { key: 'payments-canceled', workflow: 'deploy', message: 'Wrong tag' }, [
      { ...green('deploy', 'metal1'), outcome: 'cancelled' },
    ]),
  ],
};

const stubborn: Act = {
  title: 'Not every rerun helps',
  duplicates: 5,
  late: 3,
  runs: [
    github(PAYMENTS, { key: 'payments-registry', workflow: 'release', message: 'Release 4.2', tell: true }, [
      green('build', 'metal1'),
      failing('publish', {
        runner: 'metal2',
        ...PUBLISH,
        cause: 'registry-server-error',
        says: { recorded: 'registry-server-error/1' },
        incident: 'payments: nothing can be published',
        fix: 'failed',
      }),
    ]),
    gitlab(API, { key: 'api-timeout', workflow: 'api', message: 'Ask the tax office' }, [
      green('lint', 'shared', { stage: 'test' }),
      failing('contract', {
        runner: 'shared',
        stage: 'test',
        cause: 'connection-timeout',
        says: { recorded: 'connection-timeout/1' },
        incident: 'api: the tax office does not answer',
        fix: 'failed',
      }),
    ]),
    gitlab(MOBILE, { key: 'mobile-heap', workflow: 'app', message: 'All icons in one file' }, [
      failing('bundle', {
        runner: 'macStudio',
        stage: 'build',
        cause: 'js-heap-out-of-memory',
        says: { recorded: 'js-heap-out-of-memory/1' },
        incident: 'mobile: the bundler runs out of memory',
        fix: 'refused',
      }),
      green('upload', 'shared', { stage: 'deploy' }),
    ]),
    github(PAYMENTS, { key: 'payments-disk', workflow: 'backup', event: 'schedule', message: 'Backup' }, [
      failing('dump', {
        runner: 'metal1',
        steps: ['Run ./bin/dump'],
        cause: 'disk-full',
        says: { recorded: 'disk-full/1' },
        incident: 'payments: metal-1 is full',
        fix: 'refused',
      }),
    ]),
  ],
};

const again: Act = {
  title: 'The same again, and everything that came too late',
  duplicates: 6,
  runs: [
    github(SHOP, { key: 'shop-dns-again', workflow: 'ci', message: 'Cache the prices', tell: true }, [
      green('lint', 'hosted3', { steps: [...install, 'Run npm run lint'] }),
      failing('build', {
        runner: 'hosted3',
        steps: ['Run git clone https://github.com/acme/theme .'],
        cause: 'dns-resolution-failed',
        says: { recorded: 'dns-resolution-failed/1' },
        incident: 'shop: no address for github.com, second time',
        fix: 'verified',
      }),
    ]),
    github(PAYMENTS, { key: 'payments-registry-back', workflow: 'release', message: 'Release 4.3' }, [
      green('build', 'metal1'),
      failing('publish', {
        runner: 'metal2',
        ...PUBLISH,
        cause: 'registry-server-error',
        says: { recorded: 'registry-server-error/1' },
        // Still the incident that was escalated: nobody has made its first failure good.
        incident: 'payments: nothing can be published',
        fix: 'verified',
      }),
    ]),
    github(SHOP, { key: 'shop-types-again', workflow: 'ci', branch: 'price', message: 'Prices as text, again' }, [
      failing('build', {
        runner: 'hosted8',
        steps: [...install, 'Run npm run build'],
        cause: 'typescript-error',
        says: { recorded: 'typescript-error/1' },
        incident: 'shop: the price branch does not compile',
        fix: 'refused',
      }),
    ]),
    github(PAYMENTS, { key: 'payments-shutdown', workflow: 'ci', message: 'Smaller receipts', tell: true }, [
      failing('test (20)', {
        runner: 'metal2',
        steps: [...install, 'Run npm test'],
        cause: 'runner-shutdown',
        says: {
          text: '##[error]The runner has received a shutdown signal. This can happen when the runner service is stopped, or a manually started runner is canceled.\n',
        },
        incident: 'payments: metal-2 was switched off',
        fix: 'verified',
      }),
    ]),
    gitlab(API, { key: 'api-late-green', workflow: 'api', message: 'Sort the orders by date' }, [
      green('lint', 'shared', { stage: 'test' }),
      green('unit', 'shared', { stage: 'test' }),
    ]),
  ],
};

/** A day of five repositories on two forges. Deliberately finite and hand-made: every figure can be recounted by hand. */
export const scenario: Scenario = { acts: [morning, network, defects, stubborn, again] };
