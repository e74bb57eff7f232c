import { expect, it } from 'vitest';
import { synthesize } from './support/synth.ts';
import { grantsOf, list, ofType, statementsOf } from './support/template.ts';

const SERVICES = /^(?:ec2|autoscaling|braket|s3):|^ssm:(?:SendCommand|ListCommands)$/;

const grantsWith = async (aws: object, validate = false) => {
  const template = await synthesize({ config: JSON.stringify({ controllers: { aws } }), validate });
  const grants = grantsOf(template).filter(({ action }) => SERVICES.test(action));
  const told = grants.map(({ function: name, action, resource }) => `${name} ${action} ${JSON.stringify(resource)}`);
  const conditions = ofType(template, 'AWS::IAM::Policy')
    .flatMap(statementsOf)
    .filter(({ Action }) => list(Action).some((action) => SERVICES.test(String(action))))
    .map((statement) => (statement as { Condition?: unknown }).Condition);
  return { told, conditions: conditions.filter((one) => one !== undefined) };
};

it('nothing is granted on machines unless the settings name some', async () => {
  expect((await grantsWith({})).told).toEqual([]);
  // A document without an instance to run it on, and the other way round.
  expect((await grantsWith({ documents: ['AWS-RunShellScript'] })).told).toEqual([]);
});

it('what the settings name is granted to remediate, and nothing besides, with the consent of the checks on synth', async () => {
  const aws = {
    instances: ['i-0123456789abcdef0'],
    tags: { qmoi: 'managed' },
    groups: ['runners'],
    documents: ['AWS-RunShellScript', 'restart-runner'],
    quantum: { cancel: true, resubmitTo: 'amazon-braket-results' },
  };
  const { told, conditions } = await grantsWith(aws, true);
  expect(told.map((one) => one.split(' ').slice(0, 2).join(' ')).sort()).toEqual([
    'remediate autoscaling:DescribeAutoScalingInstances',
    'remediate autoscaling:TerminateInstanceInAutoScalingGroup',
    'remediate braket:CancelJob',
    'remediate braket:CancelQuantumTask',
    'remediate braket:CreateQuantumTask',
    'remediate braket:GetJob',
    'remediate braket:GetQuantumTask',
    'remediate ec2:RebootInstances',
    'remediate ec2:RebootInstances',
    'remediate s3:GetObject',
    'remediate s3:ListBucket',
    'remediate s3:PutObject',
    'remediate ssm:ListCommands',
    ...Array.from({ length: 4 }, () => 'remediate ssm:SendCommand'),
  ]);
  const all = told.join('\n');
  for (const part of [
    'instance/i-0123456789abcdef0',
    'autoScalingGroupName/runners',
    'document/restart-runner',
    's3:::amazon-braket-results',
  ]) {
    expect(all).toContain(part);
  }
  // Of instances that are not named, only those with the tag.
  expect(conditions).toEqual([
    { StringEquals: { 'aws:ResourceTag/qmoi': 'managed' } },
    { StringEquals: { 'ssm:resourceTag/qmoi': 'managed' } },
  ]);
});

it.each([
  [{ instances: ['i-*'] }, 'an instance is i-<hexadecimal number>'],
  [{ groups: ['*'] }, 'controllers.aws.groups'],
  [{ documents: ['a/b'] }, 'controllers.aws.documents'],
])('refuses %j', async (aws, reason) => {
  await expect(grantsWith(aws)).rejects.toThrow(reason);
});
