import type { Authorize, Caller, Clock } from '../kernel.ts';

export type OneOrMany<T> = T | readonly T[];
export type PrincipalSpec = '*' | Readonly<Record<string, OneOrMany<string>>>;
type ConditionValue = string | number | boolean;
export type ConditionBlock = Readonly<Record<string, Readonly<Record<string, OneOrMany<ConditionValue>>>>>;

export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: PrincipalSpec;
  readonly NotPrincipal?: PrincipalSpec;
  readonly Action?: OneOrMany<string>;
  readonly NotAction?: OneOrMany<string>;
  readonly Resource?: OneOrMany<string>;
  readonly NotResource?: OneOrMany<string>;
  readonly Condition?: ConditionBlock;
}

/** A policy with every intrinsic already resolved. */
export interface PolicyDocument {
  readonly Version?: string;
  readonly Statement: OneOrMany<PolicyStatement>;
}

export interface RoleDefinition {
  readonly arn: string;
  /** Session name in messages; the caller's own name wins. */
  readonly functionName?: string;
  readonly policies: readonly PolicyDocument[];
  readonly assumeRolePolicy?: PolicyDocument;
}

export interface Denial {
  readonly caller: Caller;
  readonly action: string;
  readonly resource: string;
  readonly message: string;
}

export interface AuthorizerOptions {
  readonly clock: Clock;
  readonly roles: readonly RoleDefinition[];
  /** Resource ARN → its policies (queue, topic, bus, function permission …). */
  readonly resourcePolicies?: Readonly<Record<string, readonly PolicyDocument[]>>;
  readonly onDenied?: (denial: Denial) => void;
  /** Called the first time each (caller, action, resource) is allowed: what grants were exercised. */
  readonly onAllowed?: (caller: Caller, action: string, resource: string) => void;
}

export interface Authorizer extends Authorize {
  /** Throws unless the trust policy of `roleArn` lets the service `principal` assume it. */
  assertAssumable(roleArn: string, principal: string, sourceArn: string): void;
}

export function createAuthorizer(_options: AuthorizerOptions): Authorizer {
  throw new Error('not built yet');
}

/** iam:PassRole as a service checks it before it takes a role for itself. */
export function assertPassRole(authorize: Authorize, caller: Caller, roleArn: string, service: string): void {
  authorize(caller, 'iam:PassRole', roleArn, { 'iam:PassedToService': service });
}
