import { ACCOUNT, type Caller } from '../kernel.ts';
import { compileConditions } from './conditions.ts';
import { globMatches } from './glob.ts';
import {
  type ContextLookup,
  list,
  type OneOrMany,
  type PolicyDocument,
  type PolicyStatement,
  type PrincipalSpec,
} from './policy.ts';
import { compileTemplate } from './variables.ts';

export interface Request {
  readonly caller: Caller;
  /** Lower case. */
  readonly action: string;
  readonly resource: string;
  readonly context: ContextLookup;
}

export interface CompiledStatement {
  readonly effect: 'Allow' | 'Deny';
  matches(request: Request): boolean;
}

type Test = (request: Request) => boolean;

/** `usedKeys` collects the context keys that any statement reads: only they can change a decision. */
export function compilePolicy(
  policy: PolicyDocument,
  kind: 'identity' | 'resource',
  usedKeys: Set<string>,
): CompiledStatement[] {
  return list(policy.Statement).map((statement) => {
    const version = policy.Version;
    const action = compileAction(statement);
    const resource = compileResource(statement, version, usedKeys);
    const principal = kind === 'resource' ? compilePrincipal(statement) : always;
    const holds = compileConditions(statement.Condition, version, usedKeys);
    return {
      effect: statement.Effect,
      matches: (request) => action(request) && resource(request) && principal(request) && holds(request.context),
    };
  });
}

const always: Test = () => true;

function compileAction({ Action, NotAction }: PolicyStatement): Test {
  const test = (patterns: OneOrMany<string>): Test => {
    const lower = list(patterns).map((pattern) => pattern.toLowerCase());
    return ({ action }) => lower.some((pattern) => globMatches(pattern, action));
  };
  if (Action !== undefined) return test(Action);
  if (NotAction !== undefined) return not(test(NotAction));
  throw new Error('a policy statement needs Action or NotAction');
}

function compileResource(
  { Resource, NotResource }: PolicyStatement,
  version: string | undefined,
  usedKeys: Set<string>,
): Test {
  const test = (patterns: OneOrMany<string>): Test => {
    const templates = list(patterns).map((pattern) => compileTemplate(pattern, version, usedKeys));
    return ({ resource, context }) =>
      templates.some((template) => {
        const pattern = template(context);
        return pattern !== undefined && globMatches(pattern, resource);
      });
  };
  if (Resource !== undefined) return test(Resource);
  if (NotResource !== undefined) return not(test(NotResource));
  // A trust policy is attached to the one resource it speaks of.
  return always;
}

function compilePrincipal({ Effect, Principal, NotPrincipal }: PolicyStatement): Test {
  const test =
    (spec: PrincipalSpec): Test =>
    ({ caller }) =>
      isPrincipal(spec, caller, Effect);
  if (Principal !== undefined) return test(Principal);
  if (NotPrincipal !== undefined) return not(test(NotPrincipal));
  throw new Error('a resource policy statement needs Principal or NotPrincipal');
}

function isPrincipal(spec: PrincipalSpec, caller: Caller, effect: 'Allow' | 'Deny'): boolean {
  if (spec === '*') return true;
  const { AWS = [], Service = [] } = spec;
  if (caller.type === 'service') return list(Service).includes(caller.principal);
  return list(AWS).some((principal) => {
    if (principal === '*' || principal === caller.arn || principal === sessionArn(caller)) return true;
    // Naming the account hands the decision to its identity policies: it denies everyone, but allows no one by itself.
    return effect === 'Deny' && (principal === ACCOUNT || principal === `arn:aws:iam::${ACCOUNT}:root`);
  });
}

export function sessionArn(caller: Extract<Caller, { type: 'role' }>): string {
  const role = caller.arn.slice(caller.arn.lastIndexOf('/') + 1);
  return `arn:aws:sts::${caller.arn.split(':')[4] ?? ACCOUNT}:assumed-role/${role}/${caller.functionName}`;
}

const not =
  (test: Test): Test =>
  (request) =>
    !test(request);
