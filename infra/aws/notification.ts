import { Stack } from 'aws-cdk-lib';
import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { Alias } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription, SmsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { type Settings, TOPICS, type Topic as TopicName } from '../../shared/runtime/settings.ts';
import { Alarms, PERIOD } from './alarms.ts';
import type { CapabilityProps } from './consumers.ts';
import { EventConsumer } from './event-consumer.ts';
import { pascal } from './functions.ts';
import { PARAMETER_PREFIX, withPrevious } from './service-function.ts';

/** The alarms' topics: CloudWatch may not use the account's own key for SNS, so these two go without a key. */
const RUNG_BY_ALARMS: readonly TopicName[] = ['error', 'emergency'];

/** The five topics that people subscribe to, and the alarms that ring on two of them. */
export class Topics extends Construct {
  readonly topics: Readonly<Record<TopicName, Topic>>;
  readonly alarms: Alarms;

  constructor(scope: Construct, settings: Settings) {
    super(scope, 'Topics');
    // Free, and its policy admits every principal of the account that may publish, so that no grant on a key is needed.
    const key = Alias.fromAliasName(this, 'SnsKey', 'alias/aws/sns');
    this.topics = Object.fromEntries(
      TOPICS.map((name) => {
        const topic = new Topic(this, pascal(name), {
          topicName: `${Stack.of(this).stackName}-${name}`,
          displayName: `QMOI ${name}`,
          enforceSSL: true,
          ...(!RUNG_BY_ALARMS.includes(name) && { masterKey: key }),
        });
        const { mail, sms } = settings.notifications[name];
        for (const address of mail) topic.addSubscription(new EmailSubscription(address));
        for (const number of sms) topic.addSubscription(new SmsSubscription(number));
        return [name, topic];
      }),
    ) as Record<TopicName, Topic>;
    this.alarms = new Alarms(this.topics, settings.runbookUrl);

    const failures = TOPICS.map((name) => [
      name.replace('-', '_'),
      this.topics[name].metricNumberOfNotificationsFailed(),
    ]);
    this.alarms.watch(this, 'Undelivered', {
      says: 'SNS could not deliver messages to their recipients.',
      runbook: 'Messages undelivered',
      rings: 'error',
      metric: new MathExpression({
        label: 'failed notifications',
        expression: TOPICS.map((name) => `FILL(${name.replace('-', '_')}, 0)`).join(' + '),
        usingMetrics: Object.fromEntries(failures),
        period: PERIOD,
      }),
      threshold: 1,
    });
  }
}

/** Incidents → messages, once each, to the topic of their kind. */
export class Notification extends Construct {
  constructor(scope: Construct, { service, store, bus, topics }: CapabilityProps & { topics: Topics['topics'] }) {
    super(scope, 'Notification');
    const notify = new EventConsumer(this, {
      service,
      bus,
      name: 'notify',
      memory: 256,
      environment: {
        TABLE_NAME: store.table.tableName,
        PARAMETER_PREFIX,
        PUBLIC_URL: service.settings.publicUrl ?? '',
        TOPIC_REAL_TIME: topics['real-time'].topicArn,
        TOPIC_ERROR: topics.error.topicArn,
        TOPIC_PERFORMANCE: topics.performance.topicArn,
        TOPIC_STATUS: topics.status.topicArn,
        TOPIC_EMERGENCY: topics.emergency.topicArn,
      },
    });
    store.grant(notify.function, 'GetItem', 'PutItem');
    // What signs the links of messages.
    notify.function.allowParameters(...withPrevious('master-token'));
    notify.function.allow(['sns:Publish'], ...TOPICS.map((name) => topics[name].topicArn));
  }
}
