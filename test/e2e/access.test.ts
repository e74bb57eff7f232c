import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  environmentOf,
  type Grant,
  grantsOf,
  list,
  nameOf,
  ofType,
  PERFORMED_BY_LAMBDA,
  statementsOf,
  type Template,
  target,
} from '../infra/support/template.ts';
import { editedAssembly, readTemplateOf, sharedAssembly } from '../support/assembly.ts';
import { taskEvents } from '../support/braket.ts';
import { RESOURCES, until } from '../support/client.ts';
import type { Forge, RunHandle } from '../support/forges/index.ts';
import { TestHost } from '../support/host.ts';
import {
  approvalLink,
  approving,
  LOGS,
  openForge,
  pick,
  pipeline,
  sendAll,
  shuffled,
  withRemediation,
} from './support/scenario.ts';

/**
 * Every grant is needed, and a missing one is found: the template's grants are held against what was really called, and
 * taken away one by one.
 */

type Call = `${string} ${string}`;
const seed = process.env.QMOI_E2E_SEED ?? String(Date.now() % 1_000_000);
process.stderr.write(`Grants are taken away by seed ${seed}; QMOI_E2E_SEED=${seed} repeats it.\n`);

/** `record dynamodb:PutItem` for each of the calls that hosts of this file were allowed. */
const exercised = new Set<Call>();
const callOf = (call: { function: string; action: string }): Call =>
  `${call.function.replace(/^Qmoi-/, '')} ${call.action}`;

let github: Forge;
let gitlab: Forge;
beforeAll(async () => {
  [github, gitlab] = await Promise.all([openForge('github'), openForge('gitlab')]);
});
afterAll(async () => {
  await Promise.all([github?.close(), gitlab?.close()]);
});

async function note(host: TestHost): Promise<void> {
  for (const call of (await host.status()).allowed) exercised.add(callOf(call));
}

/** Runs `work` on a host of its own and notes what it called. Fails with an access error when anything else was denied. */
async function onHost(
  options: { without?: readonly Call[]; edit?: (template: Template) => void; denied?: readonly Call[] },
  work: (host: TestHost) => Promise<void>,
): Promise<void> {
  const { without = [], edit, denied = [] } = options;
  const assemblyDir = await editedAssembly((template) => {
    for (const call of without) revoke(template, call);
    edit?.(template);
  });
  const host = await TestHost.boot({
    assemblyDir,
    forges: [github, gitlab],
    settings: { QMOI_HEARTBEAT_TOKEN: HEARTBEAT_TOKEN },
    // Time is moved on to when whoever waits may go on, so that waiting costs nothing.
    clock: 'manual',
    denied: denied.map((call) => `Qmoi-${call}`),
  });
  try {
    await work(host);
  } finally {
    await note(host);
    await host.end();
  }
}

/** Takes one action from the role of one function. */
function revoke(template: Template, call: Call): void {
  const [name, action] = call.split(' ') as [string, string];
  const roles = ofType(template, 'AWS::Lambda::Function')
    .filter(({ Properties }) => nameOf(Properties) === name)
    .map(({ Properties }) => target(Properties.Role));
  let found = false;
  for (const policy of ofType(template, 'AWS::IAM::Policy')) {
    if (!list(policy.Properties.Roles).some((role) => roles.includes(target(role)))) continue;
    const document = policy.Properties.PolicyDocument as { Statement: object[] };
    document.Statement = statementsOf(policy).flatMap((statement) => {
      const actions = list(statement.Action);
      if (!actions.includes(action)) return [statement];
      found = true;
      const rest = actions.filter((each) => each !== action);
      return rest.length === 0 ? [] : [{ ...statement, Action: rest }];
    });
  }
  if (!found) throw new Error(`the template does not grant ${call}`);
}

/** As `until`, while time goes on. */
const eventually = (host: TestHost, what: string, probe: () => boolean | Promise<boolean>): Promise<true> =>
  until(what, async () => {
    await host.moveOn();
    return (await probe()) ? true : undefined;
  });
const called = (host: TestHost, call: Call): Promise<true> =>
  eventually(host, call, async () => (await host.status()).allowed.some((each) => callOf(each) === call));
/** As `called`, while hours go by. */
const calledInTime = (host: TestHost, call: Call): Promise<true> =>
  until(call, async () => {
    const { allowed, clock } = await host.status();
    if (allowed.some((each) => callOf(each) === call)) return true;
    const now = new Date(Date.parse(clock.now) + 3_600_000).toISOString();
    await host.request('/_local/clock', { method: 'POST', body: JSON.stringify({ now }) });
    return undefined;
  });
const rerun = (host: TestHost, run: RunHandle): Promise<true> =>
  eventually(host, `a rerun of ${run.id}`, () => github.effects.some(({ runId }) => runId === run.id));

const HEARTBEAT_TOKEN = 'heartbeat-token-of-the-tests';
const beat = (host: TestHost, body: object) =>
  host.request('/heartbeats', {
    method: 'POST',
    token: HEARTBEAT_TOKEN,
    headers: JSON_TYPE,
    body: JSON.stringify(body),
  });

let runs = 0;
/** A run on each forge that the network breaks; done when both are fixed, proved and told, or when something was denied. */
async function loop(host: TestHost): Promise<void> {
  const name = `job-${++runs}`;
  const failing = { steps: [`Run ${name}`], logMissingCalls: 1 };
  const broken = [github, gitlab].map((forge) => forge.repository('acme/shop').run(pipeline(name, failing)));
  await Promise.all(broken.map((run) => run.play()));
  await eventually(host, 'both runs to be fixed, or a call to be denied', async () => {
    const { denied, idle } = await host.status();
    if (denied.length > 0) return true;
    const fixed = broken.every((run) => run.status === 'completed' && run.conclusion === 'success');
    return fixed && idle && github.pending() + gitlab.pending() === 0;
  });
  for (const resource of RESOURCES) await host.request(`/v1/${resource}`);
  await host.nothingDenied();
}

describe('a grant that is taken away', () => {
  /** By kind, what the loop cannot do without. */
  const kinds: Record<string, readonly Call[]> = {
    'the table': [
      'receive-webhook dynamodb:PutItem',
      'publish dynamodb:PutItem',
      'record dynamodb:GetItem',
      'record dynamodb:Query',
      'record dynamodb:PutItem',
      'diagnose dynamodb:GetItem',
      'diagnose dynamodb:PutItem',
      'remediate dynamodb:GetItem',
      'remediate dynamodb:Query',
      'remediate dynamodb:PutItem',
      'remediate dynamodb:DeleteItem',
      'verify dynamodb:GetItem',
      'verify dynamodb:Query',
      'verify dynamodb:BatchGetItem',
      'verify dynamodb:PutItem',
      'notify dynamodb:GetItem',
      'notify dynamodb:PutItem',
    ],
    'the parameters': [
      'receive-webhook ssm:GetParameters',
      'authorize ssm:GetParameters',
      'diagnose ssm:GetParameters',
      'remediate ssm:GetParameters',
    ],
    'the bus': ['publish events:PutEvents'],
    'the topics': ['notify sns:Publish'],
    'the queues': ['diagnose sqs:ChangeMessageVisibility'],
  };
  const chosen = Object.entries(kinds).map(([kind, calls], index) => ({
    kind,
    call: shuffled(calls, Number(seed) + index)[0] as Call,
  }));

  it.each(chosen)(
    'from $kind ($call) fails the loop with an error that names function and action',
    async ({ call }) => {
      const [name, action] = call.split(' ');
      await expect(onHost({ without: [call] }, loop)).rejects.toThrow(
        `AccessDenied: Qmoi-${name} is not authorized to perform ${action}`,
      );
    },
  );
});

describe('what the template grants', () => {
  it('is needed by the loop and by the master', async () => {
    await onHost({}, async (host) => {
      await loop(host);
      // A job without a platform, and a machine whose agent asks what it is to do.
      for (const run of ['start', 'finish']) await beat(host, { source: 'backup', run });
      await beat(host, { source: 'web-1', host: { cpu: 0.5 } });
      // What nothing outside has broken: whether its job ends both ways is looked up.
      const wrong = { log: LOGS.deterministic, steps: ['Run wrong'], logMissingCalls: 0 };
      await github.repository('acme/shop').run(pipeline('wrong', wrong)).play();
      // Who waits: for a platform that is busy, and for the jobs of a run that has ended.
      github.faults.add({ kind: 'status', status: 403, method: 'POST', body: BUSY, headers: JSON_TYPE });
      const run = github.repository('acme/shop').run(pipeline('slow', { steps: ['Run slow'] }));
      await run.play();
      github.target('http://127.0.0.1:9');
      await rerun(host, run);
      await eventually(host, 'the rerun to end', () => run.status === 'completed' && github.pending() === 0);
      github.target(host.url);
      await aTask(host);
      await sendAll(github, pick(run, 'workflow_run.completed ci #2'));
      await called(host, 'verify sqs:ChangeMessageVisibility');
      await sendAll(github, pick(run, 'workflow_job.completed slow #2'));
      await host.settled(github, gitlab);
      // The master's word, which also wakes what it held.
      await host.control('all', 'stopped');
      const held = github.repository('acme/shop').run(pipeline('held', { steps: ['Run held'] }));
      await held.play();
      await host.settled(github);
      await host.control('all', 'running');
      await rerun(host, held);
      await host.settled(github);
      for (const resource of RESOURCES) {
        const [item] = await host.list(resource);
        if (item !== undefined) await host.get(resource, item.id);
      }
      expect((await host.request('/healthz')).status).toBe(200);
    });
  });

  it('is needed to ask the master, and to take the answer', async () => {
    await onHost({ edit: approving }, async (host) => {
      await aRun();
      await host.settled(github);
      const link = approvalLink(await host.list('outbox')) ?? '';
      expect((await host.request(link, { token: undefined })).status).toBe(200);
      await host.nothingDenied();
    });
  });

  it('is needed to look for what nobody told, for a run that does not end, and for those that newer work overtakes', async () => {
    const forge = await openForge('github');
    const assemblyDir = await editedAssembly(withRemediation({ playbooks: { 'cancel-superseded': 'act' } }));
    const host = await TestHost.boot({ forges: [forge], clock: 'manual', assemblyDir });
    const endless = pipeline('endless', { outcome: 'success', durationSeconds: 10 * 3600 });
    // They end with their forge.
    const overtaken = { ...endless, event: 'pull_request', branch: 'feature' };
    for (const spec of [endless, overtaken, overtaken]) {
      void forge.repository('acme/shop').run(spec).play({ speed: 1 });
    }
    try {
      await calledInTime(host, 'remediate dynamodb:BatchGetItem');
      for (const action of ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:BatchGetItem', 'ssm:GetParameters']) {
        await calledInTime(host, `reconcile ${action}`);
      }
    } finally {
      await note(host);
      await forge.close();
      await host.end();
    }
  });

  it('lets who asks for a run that does not end wait before it asks again', async () => {
    const denied: Call = 'reconcile dynamodb:Query';
    await onHost({ without: [denied], denied: [denied] }, async (host) => {
      await anEndlessRun();
      await calledInTime(host, 'reconcile sqs:ChangeMessageVisibility');
    });
  });

  it('is needed to hold the automations that are known to new settings', async () => {
    const first = await TestHost.boot({ forges: [github], clock: 'manual' });
    await aRun();
    await first.settled(github);
    const host = await first.restart({ assemblyDir: await editedAssembly(scheduling) });
    try {
      await calledInTime(host, 'wake dynamodb:BatchGetItem');
    } finally {
      await note(host);
      await host.end();
    }
  });

  it.each<{ waits: Call[]; without: Call[] }>([
    { waits: ['record sqs:ChangeMessageVisibility'], without: ['record dynamodb:PutItem'] },
    { waits: ['receive-event sqs:ChangeMessageVisibility'], without: ['receive-event dynamodb:PutItem'] },
    {
      waits: ['notify sqs:ChangeMessageVisibility', 'wake sqs:ChangeMessageVisibility'],
      without: ['notify sns:Publish', 'wake dynamodb:Query'],
    },
  ])('lets a function that fails wait before it tries again: $waits', async ({ waits, without }) => {
    await onHost({ without, denied: without }, async (host) => {
      await aRun();
      await aTask(host);
      await host.control('all', 'paused');
      await host.control('all', 'running');
      for (const wait of waits) await called(host, wait);
    });
  });

  it('lets what can never be published be kept for a person to look at', async () => {
    const parks = 'publish sqs:SendMessage';
    const denied: Call = 'publish events:PutEvents';
    await onHost({ without: [denied], denied: [denied], edit: giveUpAtOnce }, async (host) => {
      await aRun();
      await called(host, parks);
      const { queues } = await host.status();
      expect(queues.find(({ name }) => name === 'Qmoi-publish-failed')?.visible).toBeGreaterThan(0);
    });
  });

  it('is exercised, every action of every function, or said to be performed by Lambda itself', async () => {
    const granted = grantsOf(readTemplateOf(await sharedAssembly()));
    const open = granted.filter(
      (grant: Grant) => !(grant.action in PERFORMED_BY_LAMBDA) && !exercised.has(callOf(grant)),
    );
    expect([...new Set(open.map(callOf))]).toEqual([]);
    expect(granted.length).toBeGreaterThan(20);
  });
});

const BUSY = JSON.stringify({ message: 'This workflow is already running' });
const JSON_TYPE = { 'content-type': 'application/json' };

/** Something that another service of the account says. */
async function aTask(host: TestHost): Promise<void> {
  const [event] = taskEvents(`task-${++runs}`, ['QUEUED']);
  await host.request('/_local/events', { method: 'POST', body: JSON.stringify(event) });
}

async function aRun(): Promise<void> {
  const name = `job-${++runs}`;
  await github
    .repository('acme/shop')
    .run(pipeline(name, { steps: [`Run ${name}`], logMissingCalls: 0 }))
    .play();
}

async function anEndlessRun(): Promise<void> {
  const run = github.repository('acme/shop').run(pipeline('endless', { outcome: 'success' }));
  run.record();
  await sendAll(github, pick(run, 'workflow_run.in_progress'));
}

/** Says of an automation when it should run, which those that are known have to be held to. */
function scheduling(template: Template): void {
  for (const { Properties } of ofType(template, 'AWS::Lambda::Function')) {
    if (nameOf(Properties) !== 'wake') continue;
    const variables = environmentOf(Properties);
    const said = JSON.parse(String(variables.AUTOMATIONS)) as object;
    const schedules = [{ repository: 'acme/shop', name: 'ci', cron: '0 3 * * *' }];
    variables.AUTOMATIONS = JSON.stringify({ ...said, schedules });
  }
}

/** One attempt for a batch of the stream, where there would be hundreds. */
function giveUpAtOnce(template: Template): void {
  for (const { Properties } of ofType(template, 'AWS::Lambda::EventSourceMapping')) {
    if (Properties.StartingPosition !== undefined) Properties.MaximumRetryAttempts = 0;
  }
}
