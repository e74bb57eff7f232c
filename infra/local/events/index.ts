import type { FailedDelivery, TargetPorts } from '../deliveries.ts';
import type { Journal } from '../journal.ts';
import type { Authorize, Caller, Clock } from '../kernel.ts';
import type { Sqs } from '../sqs/index.ts';

export { createEventBus } from './bus.ts';

export interface RuleTarget {
  readonly id: string;
  /** A queue or a function. */
  readonly arn: string;
  readonly input?: string;
  readonly inputPath?: string;
  readonly inputTransformer?: {
    readonly inputPathsMap?: Readonly<Record<string, string>>;
    readonly inputTemplate: string;
  };
  /** 185 attempts and 86,400 s by default, as on AWS. */
  readonly retryPolicy?: { readonly maximumRetryAttempts?: number; readonly maximumEventAgeInSeconds?: number };
  readonly deadLetterArn?: string;
}

export interface RuleDefinition {
  readonly name: string;
  readonly arn: string;
  readonly busName: string;
  /** Absent for a rule that only has a schedule. */
  readonly pattern?: unknown;
  readonly enabled?: boolean;
  readonly targets: readonly RuleTarget[];
}

export interface EventBusOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly authorize: Authorize;
  readonly buses: readonly { readonly name: string; readonly arn: string }[];
  readonly rules: readonly RuleDefinition[];
  readonly sqs: Sqs;
  readonly targets: TargetPorts;
  readonly onFailed?: (failed: FailedDelivery) => void;
  readonly newId?: () => string;
}

/** An event as rules and targets see it. */
export interface BusEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: unknown;
}

export interface EventBus {
  /** The JSON protocol: `operation` without the `AWSEvents.` prefix (PutEvents). Answers once every delivery is durable. */
  handle(operation: string, input: unknown, caller: Caller): Promise<unknown>;
  /**
   * Takes an event that a service of AWS puts on the default bus, and tells its id once every delivery is durable. Throws an
   * AwsFault when it is none.
   */
  emit(event: unknown): Promise<string>;
  /** Hands an event to one rule's targets, whatever its pattern (a schedule fired). `key` makes a repetition harmless. */
  trigger(ruleArn: string, event: BusEvent, key: string): void;
  /** Deliveries accepted and not yet handed over or given up. */
  pending(): number;
  /** Events taken since the start. */
  accepted(): number;
  /** Per rule: matched, delivered, failed since the start. */
  rules(): readonly { name: string; arn: string; matched: number; delivered: number; failed: number }[];
}
