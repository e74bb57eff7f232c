import type { Chaos } from './chaos.ts';
import type { HostClock } from './clock.ts';
import type { DynamoDb } from './dynamodb/index.ts';
import type { EventBus } from './events/index.ts';
import type { AsyncInvocations, Lambda, Metrics } from './functions/index.ts';
import type { Gateway } from './gateway/index.ts';
import type { HostModel } from './model/index.ts';
import type { Records } from './records.ts';
import type { Scheduler } from './scheduler/index.ts';
import type { Sns } from './sns/index.ts';
import type { Sources } from './sources/index.ts';
import type { Sqs } from './sqs/index.ts';
import type { Sweep } from './sweep.ts';
import type { Wire } from './wire.ts';

export interface StatusParts {
  readonly model: HostModel;
  readonly url: string;
  readonly clock: HostClock;
  readonly chaos: Chaos | undefined;
  readonly gateway: Gateway;
  readonly wire: Wire;
  readonly lambda: Lambda;
  readonly asynchronous: AsyncInvocations;
  readonly sqs: Sqs;
  readonly bus: EventBus;
  readonly sns: Sns;
  readonly scheduler: Scheduler;
  readonly sources: Sources;
  readonly dynamodb: DynamoDb;
  readonly sweep: Sweep;
  readonly metrics: Metrics;
  readonly records: Records;
}

/** The report of `GET /_local`: everything that runs, and whether any of it holds work. */
export function createStatus(parts: StatusParts) {
  const { model, clock, lambda, sqs, bus } = parts;
  const startedAt = new Date().toISOString();
  const nameOfFunction = new Map(model.functions.map(({ arn, name }) => [arn, name]));
  const queueName = new Map(model.queues.map(({ arn, name }) => [arn, name]));
  const consumers = new Map(
    model.queueMappings.map(({ sourceArn, functionArn }) => [
      sourceArn,
      nameOfFunction.get(functionArn) ?? functionArn,
    ]),
  );
  const subscriber = (targetArn: string): string =>
    consumers.get(targetArn) ?? nameOfFunction.get(targetArn) ?? queueName.get(targetArn) ?? targetArn;

  return async () => {
    const depths = sqs.depths();
    const streams = parts.sources.streams();
    const queues = model.queues.map(({ name, arn, redrive }) => {
      const { visible = 0, inFlight = 0, delayed = 0, nextVisibleAt = null } = depths[name] ?? {};
      return {
        name,
        arn,
        visible,
        inFlight,
        delayed,
        nextVisibleAt: nextVisibleAt === null ? null : new Date(nextVisibleAt).toISOString(),
        consumer: consumers.get(arn) ?? null,
        deadLetterQueue: redrive ? (queueName.get(redrive.deadLetterTargetArn) ?? redrive.deadLetterTargetArn) : null,
      };
    });
    const counts = new Map(bus.rules().map((rule) => [rule.arn, rule]));
    const { denied, allowed, failedDeliveries } = parts.records.read();
    const pending = {
      requests: parts.gateway.busy(),
      awsCalls: parts.wire.busy(),
      invocations: lambda.busy(),
      asyncInvocations: parts.asynchronous.pending(),
      deliveries: bus.pending() + parts.sns.pending() + parts.scheduler.pending(),
      // Nobody takes messages out of a queue without a consumer but the operator: a DLQ is no work.
      messages: queues
        .filter(({ consumer }) => consumer !== null)
        .reduce((sum, { visible, inFlight, delayed }) => sum + visible + inFlight + delayed, 0),
      sources: parts.sources.busy() || parts.sweep.busy() ? 1 : 0,
      dueTimers: clock.due(),
    };
    return {
      idle: Object.values(pending).every((count) => count === 0),
      pending,
      stack: model.stackName,
      url: parts.url,
      startedAt,
      clock: { mode: clock.mode, now: new Date(clock.now()).toISOString() },
      chaos: parts.chaos ? { seed: parts.chaos.seed, struck: parts.chaos.counts() } : null,
      functions: lambda.status(),
      routes: parts.gateway.routes(),
      api: parts.gateway.counts(),
      events: bus.accepted(),
      rules: model.rules.map(({ name, arn, busName, pattern, targets, enabled }) => ({
        name,
        bus: busName,
        enabled: enabled !== false,
        pattern: pattern ?? null,
        subscribers: targets.map((target) => subscriber(target.arn)),
        matched: counts.get(arn)?.matched ?? 0,
        delivered: counts.get(arn)?.delivered ?? 0,
        failed: counts.get(arn)?.failed ?? 0,
      })),
      queues,
      timers: parts.scheduler.next(),
      streams,
      topics: model.topics.map(({ name, subscriptions }) => ({
        name,
        subscriptions: subscriptions.map(({ protocol, endpoint }) => ({ protocol, endpoint })),
      })),
      calls: parts.wire.calls(),
      units: parts.dynamodb.units(),
      metrics: parts.metrics.list(),
      denied,
      allowed,
      failedDeliveries,
    };
  };
}
