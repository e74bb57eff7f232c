import { Duration, Stack } from 'aws-cdk-lib';
import { type EventPattern, type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { patternOf, type Subscriber, subscriptions } from '../../shared/events/subscriptions.ts';
import { acknowledge } from './acknowledge.ts';
import { type Alarms, PERIOD } from './alarms.ts';
import { type Environment, pascal } from './functions.ts';
import { ServiceFunction, type ServiceFunctionProps } from './service-function.ts';

/** Whoever hears QMOI's own events, and who hears others. */
export type Consumer = Subscriber | 'receive-event';

export interface EventConsumerProps<N extends Consumer> extends Omit<ServiceFunctionProps<N>, 'environment'> {
  /** The account's default one unless told. */
  bus?: IEventBus;
  /** What is heard of others; a subscriber hears what shared/events/subscriptions.ts says. */
  patterns?: readonly EventPattern[];
  /** Without QUEUE_URL, which the consumer adds. */
  environment: Omit<Environment<N>, 'QUEUE_URL'>;
}

const RECEIVES = 25;
const BATCH = 10;

/**
 * Subscriber of a bus: rules → queue → function, with one dead-letter queue for what the bus could not deliver and one for
 * what the function could not do.
 */
export class EventConsumer<N extends Consumer> extends Construct {
  readonly function: ServiceFunction<N>;
  readonly queue: Queue;

  constructor(scope: Construct, props: EventConsumerProps<N>) {
    super(scope, `${pascal(props.name)}Consumer`);
    const { bus, name, service, patterns = patternsOf(name) } = props;
    const timeout = props.timeout ?? 30;

    const named = (what: string) => `${Stack.of(this).stackName}-${name}${what}`;
    const dead = deadLetterQueue(this, 'Dead', service.alarms, {
      queueName: named('-dead'),
      says: `Events that ${name} could not handle in ${RECEIVES} attempts wait in its dead-letter queue.`,
      runbook: 'Dead letters',
    });
    const undelivered = deadLetterQueue(this, 'Undelivered', service.alarms, {
      queueName: named('-undelivered'),
      says: `Events for ${name} could not be put into its queue.`,
      runbook: 'Undelivered events',
    });
    this.queue = new Queue(this, 'Queue', {
      queueName: named(''),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // Lambda's own advice: six times the time-out, so that a throttled batch is not received a second time meanwhile.
      visibilityTimeout: Duration.seconds(6 * timeout),
      deadLetterQueue: { queue: dead, maxReceiveCount: RECEIVES },
    });
    service.alarms.watch(this, 'Behind', {
      says: `Events for ${name} have waited for more than an hour.`,
      runbook: 'Consumer behind',
      rings: 'error',
      metric: this.queue.metricApproximateAgeOfOldestMessage({ period: PERIOD }),
      threshold: Duration.hours(1).toSeconds(),
    });

    patterns.forEach((eventPattern, index) => {
      new Rule(this, `Rule${index + 1}`, {
        ruleName: named(`-${index + 1}`),
        ...(bus !== undefined && { eventBus: bus }),
        eventPattern,
        targets: [new SqsQueue(this.queue, { deadLetterQueue: undelivered })],
      });
    });

    this.function = new ServiceFunction(this, {
      ...props,
      timeout,
      environment: { ...props.environment, QUEUE_URL: this.queue.queueUrl } as unknown as Environment<N>,
    });
    // The poller's three actions, and the one by which a handler asks to be called again later.
    this.function.allow(
      ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
      this.queue.queueArn,
    );
    new EventSourceMapping(this, 'Mapping', {
      target: this.function.lambda,
      eventSourceArn: this.queue.queueArn,
      batchSize: BATCH,
      reportBatchItemFailures: true,
      maxConcurrency: service.settings.maximumConcurrency,
    });
  }
}

/** A queue that nothing reads but a person, with the alarm that calls one. */
export function deadLetterQueue(
  scope: Construct,
  id: string,
  alarms: Alarms,
  { queueName, ...alarm }: { queueName: string; says: string; runbook: string },
): Queue {
  const queue = new Queue(scope, id, {
    queueName,
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    // A message keeps its age when it is moved here, so this has to be well above the four days of the queue it comes from.
    retentionPeriod: Duration.days(14),
  });
  acknowledge(queue, 'AwsSolutions-SQS3', 'It is the dead-letter queue, of a target or of a function.');
  alarms.watch(scope, `${id}Alarm`, {
    ...alarm,
    rings: 'error',
    metric: queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD, statistic: 'Maximum' }),
    threshold: 1,
    // A message that lies here stays: one look is enough, and the alarm ends when the queue is empty.
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
  });
  return queue;
}

/** One pattern for all subscriptions that filter alike, as each pattern is a rule of its own. */
export function patternsOf(name: Consumer): EventPattern[] {
  const patterns = new Map<string, ReturnType<typeof patternOf>>();
  for (const subscription of name in subscriptions ? subscriptions[name as Subscriber] : []) {
    const pattern = patternOf(subscription);
    const filter = JSON.stringify(pattern.detail ?? {});
    const alike = patterns.get(filter)?.detailType ?? [];
    patterns.set(filter, { ...pattern, detailType: [...alike, ...pattern.detailType] });
  }
  return [...patterns.values()];
}
