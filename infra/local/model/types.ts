import type { TableResource } from '../dynamodb/index.ts';
import type { RuleDefinition } from '../events/index.ts';
import type { PolicyDocument, RoleDefinition } from '../iam/index.ts';
import type { ScheduleDefinition, ScheduledRule } from '../scheduler/index.ts';
import type { TopicDefinition } from '../sns/index.ts';
import type { QueueDefinition } from '../sqs/index.ts';
import type { SeededParameter } from '../ssm.ts';

export interface FunctionDefinition {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;
  /** The unpacked bundle. */
  readonly folder: string;
  readonly handler: string;
  readonly runtime: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly reservedConcurrency: number | undefined;
  /** How Lambda repeats and gives up on asynchronous invocations. */
  readonly asynchronous: {
    readonly retries: number;
    readonly maximumAgeSeconds: number;
    /** Queue that gets the destination record of an invocation that was given up. */
    readonly onFailureArn: string | undefined;
    /** Queue that gets the bare event. */
    readonly deadLetterArn: string | undefined;
  };
}

interface Mapping {
  readonly id: string;
  readonly functionArn: string;
  readonly sourceArn: string;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly partialFailures: boolean;
  /** Event patterns as JSON text; a record that matches any passes. Empty: all pass. */
  readonly filters: readonly string[];
}

export interface QueueMapping extends Mapping {
  readonly maximumConcurrency: number | undefined;
}

export interface StreamMapping extends Mapping {
  readonly tableName: string;
  readonly startingPosition: 'TRIM_HORIZON' | 'LATEST';
  readonly bisect: boolean;
  /** -1: until the records expire. */
  readonly maximumRetries: number;
  /** -1: until the records expire. */
  readonly maximumAgeSeconds: number;
  readonly onFailureArn: string | undefined;
}

export interface AuthorizerDefinition {
  readonly id: string;
  readonly functionArn: string;
  readonly identitySources: readonly string[];
  readonly ttlSeconds: number;
}

export interface Throttle {
  /** Requests a second. */
  readonly rate: number;
  readonly burst: number;
}

export interface RouteDefinition {
  /** `ANY /v1/{proxy+}`, `$default`. */
  readonly key: string;
  readonly functionArn: string;
  readonly timeoutMs: number;
  readonly authorizer: AuthorizerDefinition | undefined;
  readonly throttle: Throttle | undefined;
}

export interface ApiDefinition {
  readonly id: string;
  readonly stage: string;
  readonly throttle: Throttle | undefined;
  readonly routes: readonly RouteDefinition[];
}

/** Everything the template asks for, in the words of the parts that run it. */
export interface HostModel {
  readonly stackName: string;
  readonly functions: readonly FunctionDefinition[];
  readonly queueMappings: readonly QueueMapping[];
  readonly streamMappings: readonly StreamMapping[];
  readonly api: ApiDefinition | undefined;
  readonly tables: readonly TableResource[];
  readonly queues: readonly QueueDefinition[];
  readonly topics: readonly TopicDefinition[];
  readonly buses: readonly { readonly name: string; readonly arn: string }[];
  readonly rules: readonly RuleDefinition[];
  readonly scheduledRules: readonly ScheduledRule[];
  readonly schedules: readonly ScheduleDefinition[];
  readonly parameters: readonly SeededParameter[];
  readonly roles: readonly RoleDefinition[];
  readonly resourcePolicies: Readonly<Record<string, readonly PolicyDocument[]>>;
}
