import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type PlatformFacts, platforms } from '../../../shared/platforms/index.ts';
import { taskEvents } from '../braket.ts';
import { createForge, type Forge, type ForgeOptions } from '../forges/index.ts';
import { fakeHub } from '../huggingface.ts';
import { fakeVercel } from '../vercel.ts';
import type { WebFake } from '../web-fake.ts';
import { factsOf, parametersOf } from './kept.ts';
import type { ContractFake } from './platform.ts';

/** How each platform is faked, and in which of its ways of talking. Adding a platform adds an entry. */

/** A forge whose webhooks somebody takes. */
export async function openTakenForge(options: Omit<ForgeOptions, 'webhookUrl'>): Promise<Forge> {
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(202).end());
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const webhookUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const forge = await createForge({ ...options, webhookUrl });
  return {
    ...forge,
    close: async () => {
      await forge.close();
      receiver.close();
    },
  };
}

export const FORGES: Readonly<Record<'github' | 'gitlab', readonly Omit<ForgeOptions, 'webhookUrl'>[]>> = {
  github: [
    { platform: 'github', token: 'ghp_contract', secret: 'contract', seed: 1 },
    { platform: 'github', token: 'ghp_contract', secret: 'contract', seed: 2, format: 'form' },
  ],
  gitlab: [
    { platform: 'gitlab', token: 'glpat-contract', secret: 'contract', seed: 1 },
    {
      platform: 'gitlab',
      token: 'glpat-contract',
      secret: '',
      signingToken: `whsec_${Buffer.alloc(32, 3).toString('base64')}`,
      seed: 2,
      missingTrace: 'not-found',
    },
  ],
};

const forge = (options: Omit<ForgeOptions, 'webhookUrl'>) => async (): Promise<ContractFake> => {
  const opened = await openTakenForge(options);
  const { faults } = opened;
  return {
    settings: opened.settings,
    async failure(spec = {}) {
      const run = opened.repository('group/project').run({
        jobs: [
          { name: 'build', outcome: 'success', log: 'built\n' },
          { name: 'test', outcome: 'failure', needs: ['build'], ...spec },
        ],
      });
      await run.play();
      return { deliveries: run.deliveries, repository: 'group/project', job: 'test' };
    },
    fail(how) {
      if (how === 'reset') faults.add({ kind: 'reset', method: 'GET' });
      else if (how === 'unavailable') faults.add({ kind: 'status', status: 503 });
      else faults.add({ kind: 'rate-limit', limit: 'secondary', ...how });
    },
    close: () => opened.close(),
  };
};

const failOf =
  (fake: WebFake): NonNullable<ContractFake['fail']> =>
  (how) => {
    if (how === 'reset') fake.fail('reset');
    else if (how === 'unavailable') fake.fail({ status: 503 });
    else fake.fail({ status: 429, headers: { 'retry-after': String(how.retryAfterSeconds) } });
  };

const vercel = (team?: string) => async (): Promise<ContractFake> => {
  const fake = await fakeVercel({ token: 'contract', secret: 'contract', ...(team !== undefined && { team }) });
  let deployments = 0;
  return {
    settings: fake.settings,
    async failure({ log = 'no', logMissingCalls = 0, logExpired = false } = {}) {
      const id = `dpl_${++deployments}`;
      const missing = logExpired ? Number.POSITIVE_INFINITY : logMissingCalls;
      const deliveries = fake.deploy({ id, log: [log], logMissingCalls: missing }, ['created', 'error']);
      return { deliveries, repository: 'shop', job: 'build' };
    },
    fail: failOf(fake),
    close: () => fake.close(),
  };
};

async function huggingface(): Promise<ContractFake> {
  const fake = await fakeHub({ token: 'contract', secret: 'contract' });
  const commit = 'c'.repeat(40);
  let spaces = 0;
  return {
    settings: fake.settings,
    async failure({ log = 'no', logMissingCalls = 0, logExpired = false } = {}) {
      const externalId = `acme/space-${++spaces}`;
      const found: PlatformFacts[] = [];
      for (const stage of ['BUILDING', 'BUILD_ERROR']) {
        const missing = logExpired ? Number.POSITIVE_INFINITY : logMissingCalls;
        fake.spaces.set(externalId, { stage, head: commit, build: [log], missing });
        const seen = await platforms.huggingface?.look?.(
          { externalId, status: 'healthy' },
          {
            read: parametersOf(fake.settings),
            now: `2026-01-01T00:0${found.length + 1}:00.000Z`,
            known: async () => undefined,
          },
        );
        for (const { event, payload } of seen ?? []) {
          const body = JSON.stringify(payload);
          const facts = platforms.huggingface && factsOf(platforms.huggingface, { event, headers: {}, body });
          if (facts !== undefined) found.push(facts);
        }
      }
      return { deliveries: [fake.push(externalId, commit)], found, repository: externalId, job: 'build' };
    },
    fail: failOf(fake),
    close: () => fake.close(),
  };
}

let beats = 0;
/** A job that begins, fails, and says why. */
const heartbeat = (platform: string) => async (): Promise<ContractFake> => ({
  settings: { QMOI_HEARTBEAT_TOKEN: 'contract' },
  async failure({ log = 'no' } = {}) {
    const beat = { source: 'backup', platform, runId: `run-${++beats}` };
    const told = [
      { ...beat, run: 'start' },
      { ...beat, run: 'finish', exitCode: 1, duration: 12.5, message: log },
    ];
    const headers = { 'content-type': 'application/json' };
    const deliveries = told.map((body) => ({ event: 'heartbeat', headers, body: JSON.stringify(body) }));
    return { deliveries, repository: 'backup', job: 'backup' };
  },
  close: async () => undefined,
});

let tasks = 0;
async function braket(): Promise<ContractFake> {
  return {
    settings: {},
    async failure() {
      const events = taskEvents(`task-${++tasks}`, ['CREATED', 'QUEUED', 'RUNNING', 'FAILED']);
      const deliveries = events.map((event) => ({
        event: event['detail-type'],
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(event),
      }));
      return { deliveries, repository: 'amazon/sv1', job: 'task' };
    },
    close: async () => undefined,
  };
}

let pipelineRuns = 0;
/** A pipeline of a system that tells of it by CDEvents. */
async function cdevents(): Promise<ContractFake> {
  const source = '/ci/acme';
  const told = (id: string, predicate: string, content: object) => {
    const type = `dev.cdevents.pipelinerun.${predicate}.0.2.0`;
    const timestamp = `2026-01-01T00:0${predicate === 'started' ? 1 : 2}:00Z`;
    const data = {
      context: { version: '0.4.1', id: `${id}-${predicate}`, source, type, timestamp },
      subject: { id, source, type: 'pipelineRun', content: { pipelineName: 'build', ...content } },
    };
    return {
      event: type,
      headers: { 'content-type': 'application/cloudevents+json; charset=utf-8', authorization: 'Bearer contract' },
      body: JSON.stringify({ specversion: '1.0', id: `${id}-${predicate}`, source, type, time: timestamp, data }),
    };
  };
  return {
    settings: { QMOI_EVENTS_TOKEN: 'contract' },
    async failure({ log = 'no' } = {}) {
      const id = `run-${++pipelineRuns}`;
      const uri = `https://ci.example.com/${id}`;
      const ends = { outcome: 'failure', errors: log, uri };
      return {
        deliveries: [told(id, 'started', { uri }), told(id, 'finished', ends)],
        repository: source,
        job: 'build',
      };
    },
    close: async () => undefined,
  };
}

export const FAKES: Readonly<Record<string, readonly (() => Promise<ContractFake>)[]>> = {
  github: FORGES.github.map(forge),
  gitlab: FORGES.gitlab.map(forge),
  vercel: [vercel(), vercel('team_acme')],
  huggingface: [huggingface],
  braket: [braket],
  events: [cdevents],
  custom: [heartbeat('custom')],
  local: [heartbeat('local')],
  qcity: [heartbeat('qcity')],
};
