import { Duration, Stack } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { EventSourceMapping, FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { PUBLISHED } from '../../shared/events/subscriptions.ts';
import { machines } from '../../shared/model/index.ts';
import { deadLetterQueue } from './event-consumer.ts';
import { type ServiceContext, ServiceFunction } from './service-function.ts';
import type { Store } from './store.ts';

/** The table's stream → `publish` → the bus. */
export class Publisher extends Construct {
  readonly bus: EventBus;

  constructor(scope: Construct, { service, store }: { service: ServiceContext; store: Store }) {
    super(scope, 'Publisher');
    this.bus = new EventBus(this, 'Bus', { eventBusName: 'qmoi' });
    const failed = deadLetterQueue(this, 'Failed', service.alarms, {
      queueName: `${Stack.of(this).stackName}-publish-failed`,
      says: 'Changes of the table could not be published; their keys wait in a queue.',
      runbook: 'Unpublished changes',
    });
    const publish = new ServiceFunction(this, {
      service,
      name: 'publish',
      environment: {
        TABLE_NAME: store.table.tableName,
        BUS_NAME: this.bus.eventBusName,
        FAILED_QUEUE_URL: failed.queueUrl,
      },
    });
    publish.allow(['events:PutEvents'], this.bus.eventBusArn);
    // For the activity feed.
    store.grant(publish, 'PutItem');
    // The handler parks what can never be published, with its key; the mapping reports what it gave up.
    publish.allow(['sqs:SendMessage'], failed.queueArn);
    const streamArn = store.table.tableStreamArn ?? '';
    publish.allow(
      ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
      streamArn,
    );
    new EventSourceMapping(this, 'Mapping', {
      target: publish.lambda,
      eventSourceArn: streamArn,
      // What was written before the mapping was there has to be published as well.
      startingPosition: StartingPosition.TRIM_HORIZON,
      filters: streamFilters(),
      batchSize: 100,
      // One batch of a shard at a time keeps the changes of an item in order.
      parallelizationFactor: 1,
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      // An outage of the bus is waited for; a record that crashes the function holds its shard up for two hours at most.
      retryAttempts: 200,
      maxRecordAge: Duration.hours(2),
      onFailure: { bind: () => ({ destination: failed.queueArn }) },
    });
    service.alarms.watch(this, 'Behind', {
      says: 'Changes of the table wait for more than a minute to be published: nothing that follows from them happens.',
      runbook: 'Publisher behind',
      rings: 'emergency',
      metric: publish.lambda.metric('IteratorAge', { statistic: 'Maximum', period: Duration.minutes(1) }),
      threshold: Duration.minutes(1).toMilliseconds(),
    });
  }
}

/** Lets through records whose new image is a published entity in a published status, so that the rest costs no invocation. */
export function streamFilters(): { [key: string]: unknown }[] {
  const restricted = PUBLISHED.filter((entity) => statusesOf(entity) !== undefined);
  const image = (match: object) => FilterCriteria.filter({ dynamodb: { NewImage: match } });
  return [
    image({ entity: { S: FilterRule.or(...PUBLISHED.filter((entity) => !restricted.includes(entity))) } }),
    ...restricted.map((entity) =>
      image({
        entity: { S: FilterRule.isEqual(entity) },
        status: { S: FilterRule.or(...(statusesOf(entity) ?? [])) },
      }),
    ),
  ];
}

/** The statuses an entity publishes; undefined when it publishes all of them. */
function statusesOf(entity: keyof typeof machines): string[] | undefined {
  const { statuses, unpublished = [] } = machines[entity] as { statuses: object; unpublished?: readonly string[] };
  return unpublished.length === 0 ? undefined : Object.keys(statuses).filter((status) => !unpublished.includes(status));
}
