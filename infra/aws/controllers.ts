import { Stack } from 'aws-cdk-lib';
import type { ControllerSettings } from '../../shared/runtime/controller-settings.ts';
import type { ServiceFunction } from './service-function.ts';

/** What a function may do to machines of the account: what the settings name, and nothing where they name nothing. */
export function grantControllers(of: ServiceFunction, aws: ControllerSettings['aws']): void {
  const { partition, region, account } = Stack.of(of);
  const arn = (service: string, resource: string, owner = account) =>
    `arn:${partition}:${service}:${region}:${owner}:${resource}`;
  const instances = aws.instances.map((id) => arn('ec2', `instance/${id}`));
  const anyInstance = arn('ec2', 'instance/*');
  const tags = Object.entries(aws.tags);
  const tagged = 'Which instances have the tag is known at run time only; the condition asks for it.';

  if (instances.length > 0) of.allow(['ec2:RebootInstances'], ...instances);
  for (const [tag, value] of tags) {
    of.allowWide(['ec2:RebootInstances'], anyInstance, tagged, { [`aws:ResourceTag/${tag}`]: value });
  }

  if (aws.documents.length > 0 && instances.length + tags.length > 0) {
    // Amazon's own documents belong to no account.
    const owned = (name: string) => (/^(?:AWS|Amazon)/.test(name) ? '' : account);
    of.allow(['ssm:SendCommand'], ...aws.documents.map((name) => arn('ssm', `document/${name}`, owned(name))));
    if (instances.length > 0) of.allow(['ssm:SendCommand'], ...instances);
    for (const [tag, value] of tags) {
      of.allowWide(['ssm:SendCommand'], anyInstance, tagged, { [`ssm:resourceTag/${tag}`]: value });
    }
    of.allowWide(['ssm:ListCommands'], '*', 'Systems Manager has no narrower resource for the list of commands.');
  }

  for (const group of aws.groups) {
    of.allowWide(
      ['autoscaling:TerminateInstanceInAutoScalingGroup'],
      arn('autoscaling', `autoScalingGroup:*:autoScalingGroupName/${group}`),
      'In the ARN of a group stands a number that AWS makes up; the name behind it is the one of the settings.',
    );
  }
  if (aws.groups.length > 0) {
    of.allowWide(
      ['autoscaling:DescribeAutoScalingInstances'],
      '*',
      'Auto Scaling has no narrower resource for what it tells of instances.',
    );
  }

  const { cancel, resubmitTo: bucket } = aws.quantum;
  const tasks = 'Which tasks there will be is known at run time only; they are those of this account and region.';
  if (cancel) {
    of.allowWide(['braket:GetQuantumTask', 'braket:CancelQuantumTask'], arn('braket', 'quantum-task/*'), tasks);
    of.allowWide(['braket:GetJob', 'braket:CancelJob'], arn('braket', 'job/*'), tasks);
  }
  if (bucket !== undefined) {
    if (!cancel) of.allowWide(['braket:GetQuantumTask'], arn('braket', 'quantum-task/*'), tasks);
    of.allowWide(['braket:CreateQuantumTask'], '*', 'A task that is yet to be made has no ARN.');
    const results = `arn:${partition}:s3:::${bucket}`;
    of.allow(['s3:ListBucket'], results);
    of.allowWide(
      ['s3:GetObject', 's3:PutObject'],
      `${results}/*`,
      'Braket writes the results with the rights of whoever submits a task, below a folder that it names.',
    );
  }
}
