import { ACCOUNT, type Authorize, AwsFault, type Caller, type Clock, REGION } from '../kernel.ts';
import type { ContextLookup, PolicyDocument } from './policy.ts';
import { type CompiledStatement, compilePolicy, type Request, sessionArn } from './statement.ts';

export type { ConditionBlock, OneOrMany, PolicyDocument, PolicyStatement, PrincipalSpec } from './policy.ts';

export interface RoleDefinition {
  readonly arn: string;
  /** The function that runs under it, for the host's own listing; messages name the caller's function. */
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
  /** Throws unless the trust policy of `roleArn` lets the service `principal`, acting for `sourceArn`, assume it. */
  assertAssumable(roleArn: string, principal: string, sourceArn: string): void;
}

/** Enough for every call a stack makes; beyond it the cache starts anew rather than grow with hostile resource names. */
const MAX_CACHED = 10_000;

const FAULTS: Readonly<Record<string, { code: string; status: number }>> = {
  sqs: { code: 'AccessDenied', status: 403 },
  sns: { code: 'AuthorizationError', status: 403 },
  sts: { code: 'AccessDenied', status: 403 },
  iam: { code: 'AccessDenied', status: 403 },
  lambda: { code: 'AccessDeniedException', status: 403 },
};

/** Identity and resource policies of one account, evaluated as AWS does within it: an explicit deny wins, else any allow of either kind. */
export function createAuthorizer(options: AuthorizerOptions): Authorizer {
  const usedKeys = new Set<string>();
  const identity = new Map<string, CompiledStatement[]>();
  const trust = new Map<string, CompiledStatement[]>();
  const resources = new Map<string, CompiledStatement[]>();
  for (const { arn, policies, assumeRolePolicy } of options.roles) {
    identity.set(
      arn,
      policies.flatMap((policy) => compilePolicy(policy, 'identity', usedKeys)),
    );
    if (assumeRolePolicy !== undefined) trust.set(arn, compilePolicy(assumeRolePolicy, 'resource', usedKeys));
  }
  for (const [arn, policies] of Object.entries(options.resourcePolicies ?? {})) {
    resources.set(
      arn,
      policies.flatMap((policy) => compilePolicy(policy, 'resource', usedKeys)),
    );
  }
  const timeMatters = usedKeys.has('aws:currenttime') || usedKeys.has('aws:epochtime');

  /** Why a call is denied, null when it is allowed. */
  const decisions = new Map<string, string | null>();

  function decide(
    caller: Caller,
    action: string,
    resource: string,
    given: Readonly<Record<string, string>> | undefined,
  ) {
    const key = cacheKey(caller, action, resource, given, usedKeys);
    const known = timeMatters ? undefined : decisions.get(key);
    if (known !== undefined) return known;
    const request = {
      caller,
      action: action.toLowerCase(),
      resource,
      context: contextOf(caller, resource, given, options.clock),
    };
    const reason = evaluate(
      request,
      action,
      caller.type === 'role' ? (identity.get(caller.arn) ?? []) : [],
      resources.get(resource) ?? [],
    );
    if (decisions.size >= MAX_CACHED) decisions.clear();
    decisions.set(key, reason);
    if (reason === null) options.onAllowed?.(caller, action, resource);
    return reason;
  }

  function deny(caller: Caller, action: string, resource: string, reason: string): never {
    const who =
      caller.type === 'role' ? `User: ${sessionArn(caller)}` : `Service: ${caller.principal} (for ${caller.sourceArn})`;
    const message = `${who} is not authorized to perform: ${action} on resource: ${resource} ${reason}`;
    options.onDenied?.({ caller, action, resource, message });
    const { code, status } = FAULTS[action.slice(0, action.indexOf(':'))] ?? {
      code: 'AccessDeniedException',
      status: 400,
    };
    throw new AwsFault(code, message, status);
  }

  const authorize: Authorize = (caller, action, resource, context) => {
    const reason = decide(caller, action, resource, context);
    if (reason !== null) deny(caller, action, resource, reason);
  };

  return Object.assign(authorize, {
    assertAssumable(roleArn: string, principal: string, sourceArn: string): void {
      const caller: Caller = { type: 'service', principal, sourceArn };
      const action = 'sts:AssumeRole';
      const context = contextOf(caller, roleArn, undefined, options.clock);
      const request = { caller, action: action.toLowerCase(), resource: roleArn, context };
      const reason = evaluate(request, action, [], trust.get(roleArn) ?? []);
      if (reason !== null) deny(caller, action, roleArn, reason);
    },
  });
}

/** iam:PassRole as a service checks it before it takes a role for itself. */
export function assertPassRole(authorize: Authorize, caller: Caller, roleArn: string, service: string): void {
  authorize(caller, 'iam:PassRole', roleArn, { 'iam:PassedToService': service });
}

function evaluate(
  request: Request,
  action: string,
  identity: readonly CompiledStatement[],
  resource: readonly CompiledStatement[],
): string | null {
  const matching = (statements: readonly CompiledStatement[], effect: 'Allow' | 'Deny') =>
    statements.some((statement) => statement.effect === effect && statement.matches(request));
  if (matching(identity, 'Deny')) return 'with an explicit deny in an identity-based policy';
  if (matching(resource, 'Deny')) return 'with an explicit deny in a resource-based policy';
  if (matching(identity, 'Allow') || matching(resource, 'Allow')) return null;
  const kind = request.caller.type === 'role' ? 'identity-based' : 'resource-based';
  return `because no ${kind} policy allows the ${action} action`;
}

function cacheKey(
  caller: Caller,
  action: string,
  resource: string,
  given: Readonly<Record<string, string>> | undefined,
  usedKeys: ReadonlySet<string>,
): string {
  const who =
    caller.type === 'role' ? `${caller.arn}\n${caller.functionName}` : `${caller.principal}\n${caller.sourceArn}`;
  let key = `${who}\n${action}\n${resource}`;
  for (const name in given) {
    if (usedKeys.has(name.toLowerCase())) key += `\n${name}=${given[name]}`;
  }
  return key;
}

/** The global keys of a call over loopback, and what the service adds. */
function contextOf(
  caller: Caller,
  resource: string,
  given: Readonly<Record<string, string>> | undefined,
  clock: Clock,
): ContextLookup {
  const values = new Map<string, string>([
    ['aws:securetransport', 'true'],
    ['aws:requestedregion', REGION],
    ['aws:resourceaccount', resource.split(':')[4] || ACCOUNT],
    ['aws:viaawsservice', 'false'],
    ['aws:currenttime', new Date(clock.now()).toISOString()],
    ['aws:epochtime', String(Math.floor(clock.now() / 1000))],
  ]);
  if (caller.type === 'role') {
    values.set('aws:principalarn', caller.arn);
    values.set('aws:principalaccount', caller.arn.split(':')[4] ?? ACCOUNT);
    values.set('aws:principaltype', 'AssumedRole');
    values.set('aws:principalisawsservice', 'false');
    values.set('aws:sourceip', '127.0.0.1');
  } else {
    values.set('aws:sourcearn', caller.sourceArn);
    values.set('aws:sourceaccount', caller.sourceArn.split(':')[4] || ACCOUNT);
    values.set('aws:principalservicename', caller.principal);
    values.set('aws:principalisawsservice', 'true');
  }
  for (const [key, value] of Object.entries(given ?? {})) values.set(key.toLowerCase(), value);
  return (key) => values.get(key);
}
