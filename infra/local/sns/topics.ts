import { randomUUID } from 'node:crypto';
import { AwsFault, type Caller } from '../kernel.ts';
import { createDelivering } from './delivering.ts';
import { forFunction, forQueue, type Notification, typedValues } from './envelope.ts';
import { compileFilter, type Filter } from './filter.ts';
import { checkSms, invalid, type Message, type Publication, readMessage } from './message.ts';
import { createState, type Delivery } from './state.ts';
import type { OutboxEntry, SnsOptions, SubscriptionDefinition, TopicDefinition } from './types.ts';

export interface Topics {
  /** Throws unless the caller may publish to the topic and it is there. */
  open(caller: Caller, topicArn: string): OpenTopic;
  /** Publishes to a phone number; returns the message id. */
  publishSms(caller: Caller, phoneNumber: string, publication: Publication): string;
  outbox(): readonly OutboxEntry[];
  pending(): number;
}

export interface OpenTopic {
  /** Returns the message id; durable after `journal.flushed()`. */
  publish(publication: Publication): string;
}

interface Subscription extends SubscriptionDefinition {
  readonly arn: string;
  readonly accepts: Filter;
}

interface Topic {
  readonly definition: TopicDefinition;
  readonly subscriptions: readonly Subscription[];
}

type Unlisted = Omit<OutboxEntry, 'id'>;

const TOPIC_ARN = /^arn:[\w-]{1,20}:sns:[\w-]{1,40}:\d{12}:[\w-]{1,256}(?:\.fifo)?$/;
const E164 = /^\+?[1-9]\d{1,14}$/;

export function createTopics(options: SnsOptions): Topics {
  const { journal, clock, authorize, newId = randomUUID } = options;
  const topics = new Map(options.topics.map((definition) => [definition.arn, readTopic(definition)]));
  const state = createState();
  const log = journal.log('sns', state);
  const delivering = createDelivering(options, state, log);

  function keep(entries: readonly Unlisted[], deliveries: readonly Delivery[]): void {
    const ids = state.nextIds(entries.length);
    const listed = entries.map((entry, i): OutboxEntry => ({ id: ids[i] as string, ...entry }));
    log.append({ t: 'publish', at: clock.now(), o: listed, d: deliveries });
    for (const { id } of deliveries) delivering.start(id);
  }

  function publish({ definition, subscriptions }: Topic, message: Message): string {
    const messageId = newId();
    const at = new Date(clock.now()).toISOString();
    const common = { messageId, at, subject: message.subject };
    const list = (protocol: OutboxEntry['protocol'], endpoint: string | null): Unlisted => ({
      ...common,
      topic: definition.name,
      protocol,
      endpoint,
      message: message.textFor(protocol ?? 'default'),
      attributes: typedValues(message.attributes),
    });
    const entries: Unlisted[] = [];
    const deliveries: Delivery[] = [];
    for (const subscription of subscriptions) {
      const { protocol, endpoint, arn, accepts } = subscription;
      if (!accepts(message)) continue;
      if (protocol === 'sqs' || protocol === 'lambda') {
        const notification: Notification = {
          ...common,
          topicArn: definition.arn,
          subscriptionArn: arn,
          text: message.textFor(protocol),
          attributes: message.attributes,
        };
        deliveries.push(prepare(newId(), protocol, subscription, notification));
      } else entries.push(list(protocol, endpoint));
    }
    if (entries.length + deliveries.length === 0) entries.push(list(null, null));
    keep(entries, deliveries);
    return messageId;
  }

  return {
    open(caller, topicArn) {
      if (!TOPIC_ARN.test(topicArn)) throw invalid('TopicArn');
      authorize(caller, 'sns:Publish', topicArn);
      const topic = topics.get(topicArn);
      if (topic === undefined) throw new AwsFault('NotFound', 'Topic does not exist', 404);
      return { publish: (publication) => publish(topic, readMessage(publication)) };
    },
    publishSms(caller, phoneNumber, publication) {
      if (!E164.test(phoneNumber)) {
        throw invalid(`PhoneNumber Reason: ${phoneNumber.slice(0, 100)} is not valid to publish to`);
      }
      // A number has no ARN; IAM is asked for the number itself, which only a policy for every resource allows.
      authorize(caller, 'sns:Publish', phoneNumber);
      const message = readMessage(publication);
      checkSms(message);
      const messageId = newId();
      const entry: Unlisted = {
        messageId,
        topic: null,
        protocol: 'sms',
        endpoint: phoneNumber,
        subject: message.subject,
        message: message.textFor('sms'),
        attributes: typedValues(message.attributes),
        at: new Date(clock.now()).toISOString(),
      };
      keep([entry], []);
      return messageId;
    },
    outbox: () => state.outbox.slice(),
    pending: () => state.pending.size,
  };
}

function readTopic(definition: TopicDefinition): Topic {
  const subscriptions = definition.subscriptions.map((subscription, i) => ({
    ...subscription,
    arn: subscription.arn ?? `${definition.arn}:00000000-0000-0000-0000-${String(i).padStart(12, '0')}`,
    accepts: compileFilter(subscription),
  }));
  return { definition, subscriptions };
}

function prepare(
  id: string,
  protocol: 'sqs' | 'lambda',
  { endpoint, rawMessageDelivery, deadLetterArn }: Subscription,
  notification: Notification,
): Delivery {
  const raw = protocol === 'sqs' && rawMessageDelivery === true;
  const wrap = protocol === 'sqs' ? forQueue : forFunction;
  return {
    id,
    topicArn: notification.topicArn,
    protocol,
    endpoint,
    body: raw ? notification.text : wrap(notification),
    ...(raw && Object.keys(notification.attributes).length > 0 && { attributes: notification.attributes }),
    deadLetterArn,
  };
}
