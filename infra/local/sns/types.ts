import type { FailedDelivery, TargetPorts } from '../deliveries.ts';
import type { Journal } from '../journal.ts';
import type { Authorize, Caller, Clock } from '../kernel.ts';
import type { Sqs } from '../sqs/index.ts';

export interface SubscriptionDefinition {
  readonly arn?: string;
  readonly protocol: 'email' | 'email-json' | 'sms' | 'sqs' | 'lambda';
  readonly endpoint: string;
  readonly filterPolicy?: unknown;
  readonly filterPolicyScope?: 'MessageAttributes' | 'MessageBody';
  readonly rawMessageDelivery?: boolean;
  readonly deadLetterArn?: string;
}

export interface TopicDefinition {
  readonly name: string;
  readonly arn: string;
  readonly displayName?: string;
  readonly subscriptions: readonly SubscriptionDefinition[];
}

export interface SnsOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly authorize: Authorize;
  readonly topics: readonly TopicDefinition[];
  readonly sqs: Sqs;
  readonly targets: TargetPorts;
  readonly onFailed?: (failed: FailedDelivery) => void;
  readonly newId?: () => string;
}

/** What would have left by mail or SMS. A message to a topic without subscription is kept with protocol and endpoint null. */
export interface OutboxEntry {
  /** Unique per entry and ever increasing in order of publication. */
  readonly id: string;
  readonly messageId: string;
  /** Topic name; null for an SMS sent straight to a number. */
  readonly topic: string | null;
  readonly protocol: 'email' | 'email-json' | 'sms' | null;
  readonly endpoint: string | null;
  readonly subject: string | null;
  readonly message: string;
  readonly attributes: Readonly<Record<string, { readonly Type: string; readonly Value: string }>>;
  /** ISO 8601. */
  readonly at: string;
}

export interface Sns {
  /** The Query protocol; a fault is answered as XML too, nothing is thrown. Answers once the effect is durable. */
  handleQuery(form: URLSearchParams, caller: Caller): Promise<{ status: number; body: string }>;
  /** Oldest first, the last 10,000. */
  outbox(): readonly OutboxEntry[];
  pending(): number;
}
