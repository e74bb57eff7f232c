import { createHash } from 'node:crypto';
import type { Identify, Identity } from './cloudformation.ts';
import { ACCOUNT, REGION } from './kernel.ts';

export interface Origins {
  /** Where SDK clients reach the emulated services. */
  readonly aws: string;
  /** Where the outside reaches the HTTP API. */
  readonly api: string;
}

/**
 * Types that change nothing for a program that runs on one machine: the host neither alarms nor bills nor encrypts.
 * Whatever is in neither this list nor `NAMED` makes the host refuse the assembly.
 */
const IGNORABLE = new Set([
  'AWS::ApplicationInsights::Application',
  'AWS::CDK::Metadata',
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::AnomalyDetector',
  'AWS::CloudWatch::CompositeAlarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::Events::Archive',
  'AWS::Logs::LogGroup',
  'AWS::Logs::MetricFilter',
  'AWS::Logs::QueryDefinition',
  'AWS::Logs::ResourcePolicy',
  'AWS::Logs::SubscriptionFilter',
  'AWS::ResourceGroups::Group',
  'AWS::XRay::Group',
  'AWS::XRay::SamplingRule',
]);

export function isIgnorable(type: string): boolean {
  return IGNORABLE.has(type);
}

type Namer = (name: (property: string, makeUp?: string) => string, logicalId: string, origins: Origins) => Identity;

const arn = (service: string, resource: string, region = REGION): string =>
  `arn:aws:${service}:${region}:${ACCOUNT}:${resource}`;

const plain: Namer = (_, logicalId) => ({ ref: logicalId, attributes: {} });

/** Generated ids on AWS look like this; theirs are random, ours stay the same from start to start. */
const shortId = (logicalId: string): string => createHash('sha256').update(logicalId).digest('hex').slice(0, 10);

const byShortId: Namer = (_, logicalId) => ({ ref: shortId(logicalId), attributes: {} });

const NAMED: Readonly<Record<string, Namer>> = {
  'AWS::ApiGatewayV2::Api': (_, logicalId, { api }) => ({
    ref: shortId(logicalId),
    attributes: { ApiEndpoint: api, ApiId: shortId(logicalId) },
  }),
  'AWS::ApiGatewayV2::Authorizer': (_, logicalId) => ({
    ref: shortId(logicalId),
    attributes: { AuthorizerId: shortId(logicalId) },
  }),
  'AWS::ApiGatewayV2::Integration': (_, logicalId) => ({
    ref: shortId(logicalId),
    attributes: { IntegrationId: shortId(logicalId) },
  }),
  'AWS::ApiGatewayV2::Route': byShortId,
  'AWS::ApiGatewayV2::Stage': (name) => ({ ref: name('StageName'), attributes: {} }),
  'AWS::DynamoDB::Table': table,
  'AWS::DynamoDB::GlobalTable': table,
  'AWS::Events::EventBus': (name) => {
    const bus = name('Name');
    return { ref: bus, attributes: { Arn: arn('events', `event-bus/${bus}`), Name: bus } };
  },
  'AWS::Events::EventBusPolicy': plain,
  'AWS::Events::Rule': (name) => {
    const rule = name('Name');
    const bus = name('EventBusName', 'default').replace(/^.*event-bus\//, '');
    const path = bus === 'default' ? rule : `${bus}/${rule}`;
    return { ref: bus === 'default' ? rule : `${bus}|${rule}`, attributes: { Arn: arn('events', `rule/${path}`) } };
  },
  'AWS::IAM::ManagedPolicy': (name) => {
    const policyArn = `arn:aws:iam::${ACCOUNT}:policy/${name('ManagedPolicyName')}`;
    return { ref: policyArn, attributes: { PolicyArn: policyArn } };
  },
  'AWS::IAM::Policy': plain,
  'AWS::IAM::Role': (name, logicalId) => {
    const role = name('RoleName');
    return {
      ref: role,
      attributes: {
        Arn: `arn:aws:iam::${ACCOUNT}:role/${role}`,
        RoleId: `AROA${shortId(logicalId).toUpperCase()}`,
        RoleName: role,
      },
    };
  },
  'AWS::KMS::Alias': (name) => ({ ref: name('AliasName'), attributes: {} }),
  'AWS::KMS::Key': (_, logicalId) => ({
    ref: shortId(logicalId),
    attributes: { Arn: arn('kms', `key/${shortId(logicalId)}`), KeyId: shortId(logicalId) },
  }),
  'AWS::Lambda::EventInvokeConfig': plain,
  'AWS::Lambda::EventSourceMapping': (_, logicalId) => ({
    ref: shortId(logicalId),
    attributes: {
      Id: shortId(logicalId),
      EventSourceMappingArn: arn('lambda', `event-source-mapping:${shortId(logicalId)}`),
    },
  }),
  'AWS::Lambda::Function': (name) => {
    const called = name('FunctionName');
    return { ref: called, attributes: { Arn: arn('lambda', `function:${called}`) } };
  },
  'AWS::Lambda::Permission': byShortId,
  'AWS::SNS::Subscription': (_, logicalId) => ({
    ref: logicalId,
    attributes: { Arn: arn('sns', `subscription:${logicalId}`) },
  }),
  'AWS::SNS::Topic': (name) => {
    const topic = name('TopicName');
    return { ref: arn('sns', topic), attributes: { TopicArn: arn('sns', topic), TopicName: topic } };
  },
  'AWS::SNS::TopicPolicy': plain,
  'AWS::SQS::Queue': (name, _, { aws }) => {
    const queue = name('QueueName');
    const url = `${aws}/${ACCOUNT}/${queue}`;
    return { ref: url, attributes: { Arn: arn('sqs', queue), QueueName: queue, QueueUrl: url } };
  },
  'AWS::SQS::QueuePolicy': plain,
  'AWS::SSM::Parameter': (name) => ({ ref: name('Name'), attributes: { Type: name('Type'), Value: name('Value') } }),
  'AWS::Scheduler::Schedule': (name) => {
    const schedule = name('Name');
    return {
      ref: schedule,
      attributes: { Arn: arn('scheduler', `schedule/${name('GroupName', 'default')}/${schedule}`) },
    };
  },
  'AWS::Scheduler::ScheduleGroup': (name) => {
    const group = name('Name');
    return { ref: group, attributes: { Arn: arn('scheduler', `schedule-group/${group}`) } };
  },
};

function table(name: (property: string) => string): Identity {
  const called = name('TableName');
  const tableArn = arn('dynamodb', `table/${called}`);
  return {
    ref: called,
    attributes: { Arn: tableArn, StreamArn: `${tableArn}/stream/2025-01-01T00:00:00.000`, TableId: called },
  };
}

/** Names and ARNs as CloudFormation would give them, but the same at every start. */
export function identifyFor(origins: Origins): Identify {
  return (type, logicalId, name) => {
    const namer = NAMED[type];
    if (namer) return namer(name, logicalId, origins);
    if (!isIgnorable(type)) return undefined;
    // Grants may name an ignored resource (a log group, say); they are then about nothing here.
    return { ref: logicalId, attributes: { Arn: arn('ignored', logicalId), LogGroupName: logicalId } };
  };
}
