import { PublishCommand, type SNSClient, SNSServiceException } from '@aws-sdk/client-sns';
import { ChannelRefused, type Publishing } from '../../shared/notification/index.ts';
import type { Topic } from '../../shared/runtime/settings.ts';

/** What SNS says of a message that it will never take. */
const FOR_GOOD = new Set(['InvalidParameter', 'InvalidParameterException', 'ParameterValueInvalid', 'NotFound']);

export function createPublish(sns: SNSClient, topics: Readonly<Record<Topic, string>>) {
  return async ({ topic, title, body, attributes }: Publishing): Promise<string> => {
    try {
      const answer = await sns.send(
        new PublishCommand({
          TopicArn: topics[topic],
          Subject: title,
          Message: body,
          MessageAttributes: Object.fromEntries(
            Object.entries(attributes).map(([name, value]) => [name, { DataType: 'String', StringValue: value }]),
          ),
        }),
      );
      return answer.MessageId ?? '';
    } catch (error) {
      if (error instanceof SNSServiceException && FOR_GOOD.has(error.name)) throw new ChannelRefused(error.message);
      throw error;
    }
  };
}
