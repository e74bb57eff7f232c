import type { FailedDelivery, TargetPorts } from '../deliveries.ts';
import type { EventBus } from '../events/index.ts';
import type { Authorizer } from '../iam/index.ts';
import type { Journal } from '../journal.ts';
import type { Clock } from '../kernel.ts';
import type { Sqs } from '../sqs/index.ts';

/** AWS::Scheduler::Schedule. */
export interface ScheduleDefinition {
  readonly name: string;
  readonly arn: string;
  /** rate(…), cron(…) or at(…). */
  readonly expression: string;
  /** IANA name; UTC by default. */
  readonly timezone?: string;
  readonly enabled?: boolean;
  readonly startDate?: string;
  readonly endDate?: string;
  readonly target: {
    readonly arn: string;
    readonly roleArn: string;
    readonly input?: string;
    readonly retryPolicy?: { readonly maximumRetryAttempts?: number; readonly maximumEventAgeInSeconds?: number };
    readonly deadLetterArn?: string;
  };
}

/** AWS::Events::Rule with a ScheduleExpression; the bus knows its targets. */
export interface ScheduledRule {
  readonly name: string;
  readonly arn: string;
  readonly expression: string;
  readonly enabled?: boolean;
}

export interface SchedulerOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly authorizer: Authorizer;
  readonly schedules: readonly ScheduleDefinition[];
  readonly rules: readonly ScheduledRule[];
  readonly bus: EventBus;
  readonly sqs: Sqs;
  readonly targets: TargetPorts;
  readonly onFailed?: (failed: FailedDelivery) => void;
  readonly newId?: () => string;
}

export interface UpcomingFiring {
  readonly name: string;
  readonly arn: string;
  readonly expression: string;
  /** ISO 8601; null when disabled or over. */
  readonly nextAt: string | null;
  readonly lastAt: string | null;
}

export interface Scheduler {
  /** Starts firing, what fell due while the host was down first. */
  start(): void;
  stop(): void;
  next(): readonly UpcomingFiring[];
  /** Firings accepted and not yet handed over or given up. */
  pending(): number;
}
