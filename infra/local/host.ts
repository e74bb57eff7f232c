import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAssembly } from './assembly.ts';
import { createChaos } from './chaos.ts';
import { createManualClock, createRealClock, type HostClock } from './clock.ts';
import { ensureMasterToken, openDataDir } from './data-dir.ts';
import { openDynamoDb } from './dynamodb/index.ts';
import { createDynamoDbChaos } from './dynamodb-chaos.ts';
import { createEventBus } from './events/index.ts';
import {
  createAsyncInvocations,
  createCredentials,
  createLambda,
  createMetrics,
  openLogFolder,
} from './functions/index.ts';
import { createGateway } from './gateway/index.ts';
import { createAuthorizer } from './iam/index.ts';
import { type Journal, openJournal } from './journal.ts';
import type { Caller } from './kernel.ts';
import { createLocalApi } from './local-api.ts';
import { type FunctionDefinition, readModel } from './model/index.ts';
import { createRecords } from './records.ts';
import { createScheduler } from './scheduler/index.ts';
import { parametersOf } from './secrets.ts';
import { closeServer, listen, stopAccepting } from './servers.ts';
import { createSns } from './sns/index.ts';
import { openSources } from './sources/index.ts';
import { createSqs } from './sqs/index.ts';
import { createSsm } from './ssm.ts';
import { createStatus } from './status.ts';
import { createSweep } from './sweep.ts';
import { createWire } from './wire.ts';

const DRAIN_MS = 15_000;

export interface HostOptions {
  /** Where state is kept; created when absent. */
  readonly dataDir: string;
  /** A synthesized cloud assembly. */
  readonly assemblyDir: string;
  /** Address to bind; loopback by default. */
  readonly host?: string;
  /** 0 for any free port. */
  readonly port?: number;
  /** `QMOI_…` variables that become parameters. */
  readonly secrets?: Readonly<Record<string, string | undefined>>;
  readonly clock?: 'real' | 'manual';
  readonly chaosSeed?: string;
  /** Another DynamoDB-compatible engine instead of the embedded one. */
  readonly dynamodbEndpoint?: string;
  /** How long to wait for another process to let go of the data directory. */
  readonly lockWaitMs?: number;
  /** Loads every function's bundle once the host is ready, so that its first event finds it warm. */
  readonly warm?: boolean;
  /** Problems an operator should see; standard error by default. */
  complain?(line: string): void;
}

export interface Host {
  readonly url: string;
  readonly token: string;
  /** Where the token is kept; undefined when it was given. */
  readonly tokenFile: string | undefined;
  readonly dataDir: string;
  /** The report of `GET /_local`. */
  status(): Promise<HostStatus>;
  /** Only on the manual clock. */
  advance(seconds: number): void;
  /** Drains and ends; idempotent. */
  stop(): Promise<void>;
}

export type HostStatus = Awaited<ReturnType<ReturnType<typeof createStatus>>>;

/** Boots everything the assembly describes. Rejects with one sentence that says what to do. */
export async function startHost(options: HostOptions): Promise<Host> {
  const complain = options.complain ?? ((line: string) => void process.stderr.write(`${line}\n`));
  const dataDir = await openDataDir(options.dataDir, options.lockWaitMs);
  const closers: (() => unknown)[] = [() => dataDir.release()];
  const close = async (): Promise<void> => {
    // One that fails must not keep the others, the lock above all, from being let go.
    for (const closer of closers.splice(0).reverse()) {
      try {
        await closer();
      } catch (error) {
        complain(`While stopping: ${String(error)}`);
      }
    }
  };
  try {
    return await boot(options, dataDir.path, complain, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function boot(
  options: HostOptions,
  dataDir: string,
  complain: (line: string) => void,
  closers: (() => unknown)[],
  close: () => Promise<void>,
): Promise<Host> {
  const assembly = readAssembly(options.assemblyDir);
  const given = options.secrets?.QMOI_MASTER_TOKEN?.trim();
  const { token, file: tokenFile } = given ? { token: given, file: undefined } : ensureMasterToken(dataDir);
  const chaos = options.chaosSeed === undefined ? undefined : createChaos(options.chaosSeed);
  const journal = openJournal(join(dataDir, 'journal.jsonl'));
  closers.push(() => journal.close());
  const clock = options.clock === 'manual' ? resumeManualClock(journal) : createRealClock();
  closers.push(() => clock.stop());

  // Both ports first: the template's endpoints are made of them.
  const local = createLocalApi(token, {
    status: () => status(),
    outbox: () => sns.outbox(),
    redrive: (queue) => sqs.redriveDlq(queue),
    emit: (event) => bus.emit(event),
    moveClock(to) {
      clock.moveTo('now' in to ? to.now : clock.now() + to.advance * 1000);
      return clock.now();
    },
  });
  const gateway = createGateway({ clock, own: local });
  closers.push(() => closeServer(gateway.server));
  const wire = createWire({ callerOf: (key) => credentials.callerOf(key), chaos });
  closers.push(() => closeServer(wire.server));
  const host = options.host ?? '127.0.0.1';
  const [port, awsPort] = await Promise.all([
    listen(gateway.server, options.port ?? 0, host),
    listen(wire.server, 0, '127.0.0.1'),
  ]);
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const endpoint = `http://127.0.0.1:${awsPort}`;
  const model = readModel(assembly, { aws: endpoint, api: url });
  const credentials = createCredentials(model.functions, endpoint);

  const records = createRecords(complain);
  const authorize = createAuthorizer({
    clock,
    roles: model.roles,
    resourcePolicies: model.resourcePolicies,
    onDenied: (denial) => records.denied(denial),
    onAllowed: (caller, action, resource) => records.allowed(caller, action, resource),
  });
  mkdirSync(join(dataDir, 'dynamodb'), { recursive: true });
  const opening = openDynamoDb({
    dataDir: join(dataDir, 'dynamodb'),
    tables: model.tables,
    clock,
    authorize,
    ...(chaos ? { chaos: createDynamoDbChaos(chaos) } : {}),
    ...(options.dynamodbEndpoint ? { endpoint: options.dynamodbEndpoint } : {}),
  });
  closers.push(async () => (await opening.catch(() => undefined))?.close());

  const metrics = createMetrics();
  const logs = openLogFolder(join(dataDir, 'logs'), clock, metrics);
  closers.push(() => logs.close());
  const lambda = createLambda({
    functions: model.functions,
    clock: clock.shared,
    chaos,
    environmentOf: (definition) => credentials.environmentOf(definition),
    logOf: (definition) => logs.open(definition.name),
    onFailure: (definition, { errorType, errorMessage }) =>
      complain(`${definition.name}: ${errorType}: ${errorMessage}`),
  });
  closers.push(() => lambda.stop());

  const sqs = createSqs({ journal, clock, authorize, queues: model.queues });
  const asynchronous = createAsyncInvocations({
    journal,
    clock,
    lambda,
    sqs,
    functions: model.functions,
    onGivenUp: (definition, error) => complain(`${definition.name}: asynchronous invocation given up: ${error}`),
  });
  closers.push(() => asynchronous.stop());
  const delivering = {
    journal,
    clock,
    sqs,
    targets: { invoke: (arn: string, payload: string) => asynchronous.invoke(arn, payload) },
    onFailed: records.failedDelivery,
  };
  const bus = createEventBus({ ...delivering, authorize, buses: model.buses, rules: model.rules });
  const sns = createSns({ ...delivering, authorize, topics: model.topics });
  const scheduler = createScheduler({
    ...delivering,
    authorizer: authorize,
    schedules: model.schedules,
    rules: model.scheduledRules,
    bus,
  });
  closers.push(() => scheduler.stop());
  const ssm = createSsm({ clock, authorize });
  ssm.seed([...model.parameters, ...parametersOf({ ...options.secrets, QMOI_MASTER_TOKEN: token })]);

  const dynamodb = await opening;
  const sources = openSources({
    model,
    journal,
    clock,
    chaos,
    authorize,
    sqs,
    lambda,
    dynamodb,
    callerOf: callersOf(model.functions),
    complain,
  });
  closers.push(() => void sources.stop());
  const sweep = createSweep(clock, () => dynamodb.sweepTtl());
  closers.push(() => sweep.stop());

  const status = createStatus({
    model,
    url,
    clock,
    chaos,
    gateway,
    wire,
    lambda,
    asynchronous,
    sqs,
    bus,
    sns,
    scheduler,
    sources,
    dynamodb,
    sweep,
    metrics,
    records,
  });
  sqs.releaseInFlight();
  wire.connect({ dynamodb, bus, sqs, sns, ssm });
  gateway.connect({ api: model.api, lambda, authorize });
  sources.start();
  asynchronous.start();
  scheduler.start();
  sweep.start();
  if (options.warm) void lambda.warm();

  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stopAccepting(gateway.server);
    scheduler.stop();
    const ended = sources.stop();
    const until = performance.now() + DRAIN_MS;
    while ((gateway.open() > 0 || lambda.busy() > 0) && performance.now() < until) await sleep(10);
    // What ended is still to be written down, and the last answers still leave.
    await Promise.race([ended, sleep(500)]);
    await sleep(10);
    await journal.flushed();
    await close();
  };
  return {
    url,
    token,
    tokenFile,
    dataDir,
    status,
    advance: (seconds) => clock.moveTo(clock.now() + seconds * 1000),
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** Time that was driven ahead stays there over a restart: it never runs backwards. */
function resumeManualClock(journal: Journal): HostClock {
  let latest = 0;
  const log = journal.log<{ now: number }>('clock', {
    apply({ now }) {
      latest = Math.max(latest, now);
    },
    *snapshot() {
      if (latest > 0) yield { now: latest };
    },
  });
  const clock = createManualClock(Math.max(Date.now(), latest));
  return {
    ...clock,
    moveTo(time) {
      if (time >= clock.now()) log.append({ now: time });
      clock.moveTo(time);
    },
  };
}

function callersOf(functions: readonly FunctionDefinition[]): (functionArn: string) => Caller {
  const callers = new Map(
    functions.map(({ arn, roleArn, name }): [string, Caller] => [
      arn,
      { type: 'role', arn: roleArn, functionName: name },
    ]),
  );
  return (functionArn) => {
    const caller = callers.get(functionArn);
    if (!caller) throw new Error(`No function ${functionArn}`);
    return caller;
  };
}
