import { REGION } from '../kernel.ts';
import type { MessageAttributes } from './message.ts';

export interface Notification {
  readonly messageId: string;
  readonly topicArn: string;
  readonly subscriptionArn: string;
  readonly subject: string | null;
  readonly text: string;
  readonly attributes: MessageAttributes;
  readonly at: string;
}

const ORIGIN = `https://sns.${REGION}.amazonaws.com`;
/** Nothing here holds the key that SNS signs with. */
const UNSIGNED = { SignatureVersion: '1', Signature: 'UNSIGNED' };
const CERTIFICATE = `${ORIGIN}/SimpleNotificationService-0.pem`;

/** The body of a queue's message without raw delivery. */
export function forQueue(notification: Notification): string {
  const { messageId, topicArn, subject, text, at } = notification;
  const attributes = typedValues(notification.attributes);
  return JSON.stringify({
    Type: 'Notification',
    MessageId: messageId,
    TopicArn: topicArn,
    ...(subject !== null && { Subject: subject }),
    Message: text,
    Timestamp: at,
    ...UNSIGNED,
    SigningCertURL: CERTIFICATE,
    UnsubscribeURL: unsubscribeUrl(notification),
    ...(Object.keys(attributes).length > 0 && { MessageAttributes: attributes }),
  });
}

/** The event that a function is invoked with; its names differ from the queue's in case and in what is left out. */
export function forFunction(notification: Notification): string {
  const { messageId, topicArn, subscriptionArn, subject, text, at } = notification;
  return JSON.stringify({
    Records: [
      {
        EventSource: 'aws:sns',
        EventVersion: '1.0',
        EventSubscriptionArn: subscriptionArn,
        Sns: {
          Type: 'Notification',
          MessageId: messageId,
          TopicArn: topicArn,
          Subject: subject,
          Message: text,
          Timestamp: at,
          ...UNSIGNED,
          SigningCertUrl: CERTIFICATE,
          UnsubscribeUrl: unsubscribeUrl(notification),
          MessageAttributes: typedValues(notification.attributes),
        },
      },
    ],
  });
}

/** The attributes as subscribers see them; binary values stay base64. */
export function typedValues(attributes: MessageAttributes): Record<string, { Type: string; Value: string }> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
      name,
      { Type: DataType, Value: StringValue ?? BinaryValue ?? '' },
    ]),
  );
}

function unsubscribeUrl({ subscriptionArn }: Notification): string {
  return `${ORIGIN}/?Action=Unsubscribe&SubscriptionArn=${subscriptionArn}`;
}
