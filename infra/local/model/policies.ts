import type { PolicyDocument, PolicyStatement, RoleDefinition } from '../iam/index.ts';
import { ACCOUNT, REGION } from '../kernel.ts';
import { functionArnIn, functionsOf } from './functions.ts';
import type { Lookup } from './read.ts';

/** AWS's own policies, as far as they grant anything the host checks. */
const MANAGED: Readonly<Record<string, readonly string[]>> = {
  'service-role/AWSLambdaBasicExecutionRole': ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
  AWSXRayDaemonWriteAccess: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
};

export function readPolicies(all: Lookup): {
  roles: RoleDefinition[];
  resourcePolicies: Readonly<Record<string, readonly PolicyDocument[]>>;
} {
  return { roles: readRoles(all), resourcePolicies: readResourcePolicies(all) };
}

function readRoles(all: Lookup): RoleDefinition[] {
  const attached = [...all('AWS::IAM::Policy'), ...all('AWS::IAM::ManagedPolicy')];
  const managed = new Map(
    all('AWS::IAM::ManagedPolicy').map(({ ref, properties }) => [ref, properties.PolicyDocument]),
  );
  const functionOf = new Map(all('AWS::Lambda::Function').map(({ ref, properties }) => [properties.Role, ref]));
  return all('AWS::IAM::Role').map(({ ref, attributes, properties }) => {
    const arn = attributes.Arn ?? '';
    const functionName = functionOf.get(arn);
    return {
      arn,
      ...(functionName === undefined ? {} : { functionName }),
      assumeRolePolicy: toDocument(properties.AssumeRolePolicyDocument),
      policies: [
        ...properties.Policies.map(({ PolicyDocument: document }) => toDocument(document)),
        ...attached
          .filter((policy) => policy.properties.Roles.includes(ref))
          .map((policy) => toDocument(policy.properties.PolicyDocument)),
        ...properties.ManagedPolicyArns.map((policyArn) => managedPolicy(policyArn, managed)),
      ],
    };
  });
}

function managedPolicy(arn: string, own: ReadonlyMap<string, Record<string, unknown>>): PolicyDocument {
  const document = own.get(arn);
  if (document) return toDocument(document);
  const actions = MANAGED[arn.replace('arn:aws:iam::aws:policy/', '')];
  if (!actions) throw new Error(`The embedded host does not know the managed policy ${arn}.`);
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] };
}

function readResourcePolicies(all: Lookup): Record<string, PolicyDocument[]> {
  const policies: Record<string, PolicyDocument[]> = {};
  const add = (arn: string, document: PolicyDocument): void => {
    const list = policies[arn] ?? [];
    list.push(document);
    policies[arn] = list;
  };
  const queues = new Map(all('AWS::SQS::Queue').map(({ ref, attributes }) => [ref, attributes.Arn ?? '']));
  for (const { properties } of all('AWS::SQS::QueuePolicy')) {
    for (const url of properties.Queues) add(queues.get(url) ?? url, toDocument(properties.PolicyDocument));
  }
  for (const { properties } of all('AWS::SNS::TopicPolicy')) {
    for (const arn of properties.Topics) add(arn, toDocument(properties.PolicyDocument));
  }
  for (const { properties } of all('AWS::Events::EventBusPolicy')) {
    const bus = properties.EventBusName.replace(/^.*event-bus\//, '');
    const statement = properties.Statement as unknown as PolicyStatement;
    add(`arn:aws:events:${REGION}:${ACCOUNT}:event-bus/${bus}`, { Version: '2012-10-17', Statement: [statement] });
  }
  const functions = functionsOf(all);
  for (const { properties } of all('AWS::Lambda::Permission')) {
    const arn = functionArnIn(properties.FunctionName, functions);
    const service = properties.Principal.endsWith('.amazonaws.com');
    add(arn, {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: service ? { Service: properties.Principal } : { AWS: properties.Principal },
          Action: properties.Action,
          Resource: arn,
          Condition: {
            ...(properties.SourceArn === undefined ? {} : { ArnLike: { 'AWS:SourceArn': properties.SourceArn } }),
            ...(properties.SourceAccount === undefined
              ? {}
              : { StringEquals: { 'AWS:SourceAccount': properties.SourceAccount } }),
          },
        },
      ],
    });
  }
  return policies;
}

/** The template was synthesized by CDK, which checks a policy's shape; the evaluator checks what it relies on. */
function toDocument(document: Record<string, unknown>): PolicyDocument {
  return document as unknown as PolicyDocument;
}
