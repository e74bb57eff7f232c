import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAssembly } from '../../../../infra/local/assembly.ts';
import { createManualClock } from '../../../../infra/local/clock.ts';
import {
  createCredentials,
  createLambda,
  createMetrics,
  type Lambda,
  openLogFolder,
} from '../../../../infra/local/functions/index.ts';
import { type FunctionDefinition, readModel } from '../../../../infra/local/model/index.ts';
import { fixtureAssembly } from '../../../support/host-fixture/index.ts';

const START = Date.UTC(2031, 0, 2, 3, 4, 5);

describe('functions in worker threads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qmoi-functions-'));
  const clock = createManualClock(START);
  const metrics = createMetrics();
  const logs = openLogFolder(join(folder, 'logs'), clock, metrics);
  const failures: string[] = [];
  let definition: FunctionDefinition;
  let patient: FunctionDefinition;
  let lambda: Lambda;

  beforeAll(async () => {
    const model = readModel(readAssembly(await fixtureAssembly()), { aws: 'http://aws', api: 'http://api' });
    definition = model.functions.find(({ name }) => name === 'fixture-misbehave') as FunctionDefinition;
    // Time enough to fill the memory on a busy machine.
    patient = { ...definition, arn: `${definition.arn}-patient`, timeoutSeconds: 40, memoryMb: 64 };
    const credentials = createCredentials([definition, patient], 'http://aws');
    lambda = createLambda({
      functions: [definition, patient],
      clock: clock.shared,
      chaos: undefined,
      environmentOf: (one) => credentials.environmentOf(one),
      logOf: (one) => logs.open(one.name),
      onFailure: (_, { errorType }) => failures.push(errorType),
      threadsPerFunction: 2,
    });
  });
  afterAll(async () => {
    await lambda.stop();
    await logs.close();
    rmSync(folder, { recursive: true });
  });

  const run = (how: string, { arn } = definition) => lambda.invoke(arn, JSON.stringify({ pathParameters: { how } }));
  const payloadOf = async (how: string): Promise<unknown> => {
    const result = await run(how);
    if (!result.ok) throw new Error(result.error.errorMessage);
    return JSON.parse(result.payload);
  };

  it('gives a function the environment of the template and of Lambda, and nothing of the host', async () => {
    process.env.QMOI_TEST_LEAK = 'secret';
    const { environment } = (await payloadOf('environment')) as { environment: Record<string, string> };
    delete process.env.QMOI_TEST_LEAK;
    expect(environment).toMatchObject({
      TABLE_NAME: 'Fixture-TableCD117FA1',
      AWS_LAMBDA_FUNCTION_NAME: 'fixture-misbehave',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: 'http://aws',
      _HANDLER: 'index.handler',
    });
    expect(environment._X_AMZN_TRACE_ID).toMatch(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};/);
    expect(environment).not.toHaveProperty('QMOI_TEST_LEAK');
    expect(environment).not.toHaveProperty('HOME');
  });

  it('keeps a warm thread between invocations', async () => {
    const first = (await payloadOf('environment')) as { calls: number };
    const second = (await payloadOf('environment')) as { calls: number };
    expect(second.calls).toBe(first.calls + 1);
  });

  it('shows functions the manual clock', async () => {
    expect(await payloadOf('time')).toEqual({ now: '2031-01-02T03:04:05.000Z', stamp: START });
    clock.moveTo(START + 3_600_000);
    expect(await payloadOf('time')).toEqual({ now: '2031-01-02T04:04:05.000Z', stamp: START + 3_600_000 });
  });

  it('reports an error with its type and message, and serves on', async () => {
    expect(await run('throw')).toMatchObject({
      ok: false,
      error: { errorType: 'RangeError', errorMessage: 'out of range' },
    });
    expect(await run('string')).toMatchObject({ ok: true, payload: '"plain"' });
  });

  it('ends what runs longer than its time-out, in the words of Lambda', async () => {
    expect(await run('hang')).toMatchObject({
      ok: false,
      error: {
        errorType: 'Sandbox.Timedout',
        errorMessage: expect.stringMatching(/^RequestId: [-0-9a-f]{36} Error: Task timed out after 1\.00 seconds$/),
      },
    });
    expect(await run('string')).toMatchObject({ ok: true });
  });

  it('survives a function that exits, throws where nobody catches, or takes all its memory', async () => {
    expect(await run('exit')).toMatchObject({
      ok: false,
      error: { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining('exit status 3') },
    });
    expect(await run('unhandled')).toMatchObject({ ok: false, error: { errorMessage: 'nobody caught this' } });
    expect(await run('memory', patient)).toMatchObject({
      ok: false,
      error: { errorMessage: expect.stringContaining('signal: killed') },
    });
    expect(await run('string')).toMatchObject({ ok: true });
  });

  it('refuses payloads beyond six megabytes either way', async () => {
    expect(await run('large')).toMatchObject({ ok: false, error: { errorType: 'Function.ResponseSizeTooLarge' } });
    await expect(lambda.invoke(definition.arn, JSON.stringify('x'.repeat(7 * 1024 * 1024)))).rejects.toMatchObject({
      code: 'RequestEntityTooLargeException',
      status: 413,
    });
    await expect(lambda.invoke('arn:unknown', '{}')).rejects.toMatchObject({ code: 'ResourceNotFoundException' });
  });

  it('counts embedded metrics and keeps the log as JSON lines', async () => {
    await payloadOf('metric');
    await payloadOf('metric');
    expect(metrics.list()).toEqual([
      expect.objectContaining({
        function: 'fixture-misbehave',
        namespace: 'Fixture',
        name: 'tried',
        unit: 'Count',
        dimensions: { service: 'misbehave' },
        count: 2,
        sum: 4,
      }),
    ]);
    await logs.close();
    const lines = readFileSync(join(folder, 'logs', 'fixture-misbehave.log'), 'utf8')
      .trim()
      .split('\n');
    const messages = lines.map((line) => JSON.parse(line) as { message?: string; errorMessage?: string });
    expect(messages).toContainEqual(expect.objectContaining({ message: 'Invoke Error', errorMessage: 'out of range' }));
  });

  it('has what waits served by the thread that there is when a further one does not start', async () => {
    const bundle = join(folder, 'starts-once');
    mkdirSync(bundle);
    writeFileSync(
      join(bundle, 'index.js'),
      `const { existsSync, writeFileSync } = require('node:fs');
       const mark = __dirname + '/started';
       if (existsSync(mark)) { writeFileSync(__dirname + '/again', ''); throw new Error('too much at once'); }
       writeFileSync(mark, '');
       const again = (resolve) => existsSync(__dirname + '/again') ? resolve('served') : setTimeout(again, 5, resolve);
       exports.handler = () => new Promise(again);`,
    );
    const once = { ...definition, arn: `${definition.arn}-once`, folder: bundle, handler: 'index.handler' };
    const alone = createLambda({
      ...{ functions: [once], clock: clock.shared, chaos: undefined, environmentOf: () => ({}) },
      ...{ logOf: (one) => logs.open(one.name), onFailure: () => undefined },
    });
    const results = await Promise.all([1, 2, 3].map(() => alone.invoke(once.arn, '{}')));
    await alone.stop();
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true]);
  });

  it('runs one invocation per thread and as many threads as it may', async () => {
    const before = lambda.status()[0];
    const results = await Promise.all(Array.from({ length: 6 }, () => run('hang')));
    expect(results.every((result) => !result.ok)).toBe(true);
    const after = lambda.status()[0];
    expect((after?.timeouts ?? 0) - (before?.timeouts ?? 0)).toBe(6);
    expect(after?.running).toBe(0);
    expect(failures).toContain('Sandbox.Timedout');
  });
});
