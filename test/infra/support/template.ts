import { readFileSync } from 'node:fs';

/** A synthesized template, as far as tests look into it. */
export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  Metadata?: { cdk_nag?: { rules_to_suppress?: { id: string; reason: string }[] } };
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
}
export interface Template {
  Resources: Record<string, Resource>;
}

export const readTemplate = (file: string): Template => JSON.parse(readFileSync(file, 'utf8')) as Template;

export function ofType(template: Template, type: string): (Resource & { id: string })[] {
  return Object.entries(template.Resources)
    .filter(([, resource]) => resource.Type === type)
    .map(([id, resource]) => ({ id, ...resource }));
}

/** The one element of a list; throws when there are none or several. */
export function only<T>(items: readonly T[]): T {
  if (items.length !== 1) throw new Error(`one is wanted, there are ${items.length}`);
  return items[0] as T;
}

/** The logical id that a Ref or GetAtt points at. */
export function target(value: unknown): string | undefined {
  const { Ref, 'Fn::GetAtt': attribute } = (value ?? {}) as { Ref?: string; 'Fn::GetAtt'?: [string, string] };
  return Ref ?? attribute?.[0];
}

export interface Statement {
  Effect: 'Allow' | 'Deny';
  Action: string | string[];
  Resource?: unknown;
  Principal?: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}

export const list = <T>(value: T | T[] | undefined): T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

export const statementsOf = (resource: Resource): Statement[] =>
  (resource.Properties.PolicyDocument as { Statement: Statement[] }).Statement;

export interface Grant {
  /** The function's name without the stack's, as its folder is called. */
  function: string;
  action: string;
  /** The resource as the template has it. */
  resource: unknown;
}

/** Every action that a policy of the template allows a function, one by one. */
export function grantsOf(template: Template): Grant[] {
  const functionByRole = new Map(
    ofType(template, 'AWS::Lambda::Function').map(({ Properties }) => [target(Properties.Role), nameOf(Properties)]),
  );
  return ofType(template, 'AWS::IAM::Policy').flatMap((policy) =>
    list(policy.Properties.Roles).flatMap((role) => {
      const name = functionByRole.get(target(role));
      if (name === undefined) return [];
      return statementsOf(policy)
        .filter(({ Effect }) => Effect === 'Allow')
        .flatMap(({ Action, Resource }) =>
          list(Action).flatMap((action) => list(Resource).map((resource) => ({ function: name, action, resource }))),
        );
    }),
  );
}

export const environmentOf = (properties: Record<string, unknown>): Record<string, unknown> =>
  (properties.Environment as { Variables: Record<string, unknown> }).Variables;

export const nameOf = (functionProperties: Record<string, unknown>): string =>
  String(environmentOf(functionProperties).POWERTOOLS_SERVICE_NAME);

/**
 * Granted actions that no line of QMOI's code calls: Lambda itself performs them, with the function's role. They are
 * justified here instead of by an end-to-end test.
 */
export const PERFORMED_BY_LAMBDA: Readonly<Record<string, string>> = {
  'logs:CreateLogStream': 'the runtime opens the log stream of an instance',
  'logs:PutLogEvents': 'the runtime writes what the function prints',
  'xray:PutTraceSegments': 'the runtime traces invocations',
  'xray:PutTelemetryRecords': 'the runtime traces invocations',
  'sqs:ReceiveMessage': 'the poller of an event source mapping',
  'sqs:DeleteMessage': 'the poller deletes what was handled',
  'sqs:GetQueueAttributes': 'the poller sizes itself',
  'dynamodb:DescribeStream': 'the poller of an event source mapping',
  'dynamodb:GetRecords': 'the poller of an event source mapping',
  'dynamodb:GetShardIterator': 'the poller of an event source mapping',
  'dynamodb:ListStreams': 'Lambda asks for it when the mapping is made',
};
