import type { TopicDefinition } from '../sns/index.ts';
import type { QueueDefinition } from '../sqs/index.ts';
import type { Lookup } from './read.ts';

export function readQueues(all: Lookup): { queues: QueueDefinition[]; topics: TopicDefinition[] } {
  const subscriptions = all('AWS::SNS::Subscription');
  return {
    queues: all('AWS::SQS::Queue').map(({ ref, attributes, properties }) => ({
      name: attributes.QueueName ?? '',
      arn: attributes.Arn ?? '',
      url: ref,
      visibilityTimeout: properties.VisibilityTimeout,
      delaySeconds: properties.DelaySeconds,
      retention: properties.MessageRetentionPeriod,
      redrive: properties.RedrivePolicy,
    })),
    topics: all('AWS::SNS::Topic').map(({ ref, attributes, properties }) => ({
      name: attributes.TopicName ?? '',
      arn: ref,
      displayName: properties.DisplayName,
      subscriptions: subscriptions
        .filter((subscription) => subscription.properties.TopicArn === ref)
        .map((subscription) => ({
          arn: subscription.ref,
          protocol: subscription.properties.Protocol,
          endpoint: subscription.properties.Endpoint,
          filterPolicy: subscription.properties.FilterPolicy,
          filterPolicyScope: subscription.properties.FilterPolicyScope,
          rawMessageDelivery: subscription.properties.RawMessageDelivery,
          deadLetterArn: subscription.properties.RedrivePolicy?.deadLetterTargetArn,
        })),
    })),
  };
}
