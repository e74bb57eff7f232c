import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redact } from '../../shared/diagnosis/index.ts';
import type { Item } from '../support/client.ts';
import type { Forge, JobSpec, Platform, RunSpec } from '../support/forges/index.ts';
import { TestHost } from '../support/host.ts';
import { plantedKeys, plantedSecrets } from '../support/planted-secrets.ts';
import { openForge, sendAll } from './support/scenario.ts';

/**
 * Secrets in the logs of jobs that fail, and in the names that webhooks tell, end nowhere: in no file of the data directory
 * (table, queues, outbox, journals, logs of the functions), no answer of the API and no message. What a webhook's own body
 * holds is kept as it came (docs: the ledger), packed and shown to nobody but the master who asks for that very body.
 */
const SECRETS = [...plantedSecrets.map(([kind, secret]) => ({ kind, secret })), ...keyLines()];
/** So few lines that an excerpt has room for all of them. */
const A_JOB = 6;
/** Of a long line, an excerpt has the beginning. */
const SHOWN = 60;
/** Stands beside the secrets, and has to be found wherever they might have been. */
const BESIDE = 'the-ledger-does-not-balance';

function keyLines(): { kind: string; secret: string }[] {
  return plantedKeys.flatMap(({ kind, body }) => body.map((secret) => ({ kind, secret })));
}

const job = (name: string, log: string): JobSpec => ({
  name,
  outcome: 'failure',
  log,
  steps: ['Set up job', 'Run it'],
});

/** Jobs whose logs are about the secrets, line after line. */
function jobs(): JobSpec[] {
  const failing: JobSpec[] = [];
  for (let from = 0; from < plantedSecrets.length; from += A_JOB) {
    const lines = plantedSecrets
      .slice(from, from + A_JOB)
      .map(([, secret, line]) => `Error: ${BESIDE}: ${line(secret)}`);
    failing.push(job(`part ${from}`, ['make', ...lines, ''].join('\n')));
  }
  for (const { kind, text } of plantedKeys)
    failing.push(job(`key ${kind}`, `make\nError: ${BESIDE}\n${text}\nError: cannot load the key\n`));
  return failing;
}

/** A run that has a secret in every name that its webhooks tell. */
function named(platform: Platform): RunSpec {
  const of = (kind: string): string => {
    const found = plantedSecrets.find(([name]) => name === kind);
    if (found === undefined) throw new Error(`no secret of ${kind}`);
    return found[1];
  };
  const runner = { id: 77, name: `box ${of('GitLab glrt')}`, labels: [of('Vault')], group: of('Stripe') };
  return {
    workflow: `ci ${of('AWS key id')}`,
    branch: `fix/${of('GitHub ghp')}`,
    message: `Use ${of('Slack bot')}`,
    jobs: [
      {
        ...job(`build ${of('npm')}`, `Error: ${BESIDE}\n`),
        steps: ['Set up job', `curl -H "Authorization: Bearer ${of('bearer header')}" example.com`],
        ...(platform === 'github' && { runner }),
        ...(platform === 'gitlab' && {
          runner: { id: 77, name: runner.name, labels: runner.labels },
          stage: of('JWT'),
        }),
      },
    ],
  };
}

const FAILED: Record<Platform, string> = { github: 'workflow_job.completed', gitlab: 'job.failed' };

let forges: Forge[];
let host: TestHost;
let failures: Item[];
/** Everything that is said or kept, by where. */
const places = new Map<string, string>();

beforeAll(async () => {
  forges = [await openForge('github'), await openForge('gitlab')];
  host = await TestHost.boot({ forges });
  const leaky = jobs();
  const runs = forges.map((forge, at) => {
    const run = forge.repository('acme/leaky').run({ jobs: leaky.filter((_, index) => index % forges.length === at) });
    run.record();
    return sendAll(
      forge,
      run.deliveries.filter(({ label }) => label.startsWith(FAILED[forge.platform])),
    );
  });
  const names = forges.map((forge) => forge.repository('acme/named').run(named(forge.platform)).play());
  await Promise.all([...runs, ...names]);
  await host.settled(...forges);
  failures = await host.list('failures');
  for (const [name, items] of Object.entries(await host.world())) places.set(`/v1/${name}`, JSON.stringify(items));
  places.set('/v1/outbox', JSON.stringify(await host.list('outbox')));
  places.set('/_local', JSON.stringify(await host.status()));
  for (const file of readdirSync(host.dataDir, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()))
    places.set(file.name, `${places.get(file.name) ?? ''}${readFileSync(join(file.parentPath, file.name), 'latin1')}`);
});
afterAll(async () => {
  await host?.end();
  await Promise.all((forges ?? []).map((forge) => forge.close()));
});

/** As it stands in text, in a JSON string within JSON, and in a form. */
const spellings = (secret: string): string[] => [
  ...new Set([secret, JSON.stringify(JSON.stringify(secret)).slice(3, -3), encodeURIComponent(secret)]),
];

describe('a secret', () => {
  it('was beside what is kept: the excerpts hold the lines around each of them', () => {
    const excerpts = failures.map(({ excerpt }) => excerpt).join('\n');
    const missing = plantedSecrets.filter(
      ([, secret, line]) => !excerpts.includes(redact(line(secret)).trim().slice(0, SHOWN)),
    );
    expect(missing.map(([kind]) => kind)).toEqual([]);
    const found = [...places].filter(([, text]) => text.includes(BESIDE)).map(([place]) => place);
    expect(found).toEqual(expect.arrayContaining(['/v1/failures']));
    expect(found.filter((place) => !place.startsWith('/')).length).toBeGreaterThan(0);
  });

  it.each(SECRETS)('$kind is nowhere', ({ secret }) => {
    const found = [...places].filter(([, text]) => spellings(secret).some((spelling) => text.includes(spelling)));
    expect(found.map(([place]) => place)).toEqual([]);
  });

  it('was in names that are kept without it', async () => {
    const named = failures.filter(({ repository }) => repository === 'acme/named');
    expect(named.map(({ name }) => name)).toEqual(['build [redacted]', 'build [redacted]']);
    expect(named.map(({ branch }) => branch)).toEqual(['fix/[redacted]', 'fix/[redacted]']);
  });
});
