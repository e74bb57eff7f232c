import { markOf } from '../../../../shared/platforms/action.ts';
import { type ActionRow, requestOf, SINCE, unclear } from './row.ts';

const parameters = { webhook: 'restart', key: 'incident-1', 'data.host': 'mac-3' };
export const anywhere: readonly ActionRow[] = [
  {
    ...{ platform: 'anywhere', action: 'call-webhook', parameters, without: 'webhook' },
    sent: {
      method: 'POST',
      url: '/hook',
      body: {
        type: 'qmoi.action',
        timestamp: SINCE,
        data: {
          ...{ webhook: 'restart', platform: 'anywhere', repository: 'acme/shop', attempt: 1 },
          ...{ runId: 'anywhere:5:1', subject: 'anywhere:5:job:9', data: { host: 'mac-3' } },
        },
      },
    },
    ...{ found: [], always: 'did-not-happen' },
  },
  ...aws(),
];

function aws(): ActionRow[] {
  const instance = 'i-0123456789abcdef0';
  const one = { platform: 'anywhere', parameters: { instance }, without: 'instance' };
  const told = (fields: string) =>
    `<DescribeAutoScalingInstancesResponse><DescribeAutoScalingInstancesResult><AutoScalingInstances>${fields}</AutoScalingInstances></DescribeAutoScalingInstancesResult></DescribeAutoScalingInstancesResponse>`;
  const inGroup = (state: string, group = 'runners') =>
    told(
      `<member><LifecycleState>${state}</LifecycleState><AutoScalingGroupName>${group}</AutoScalingGroupName></member>`,
    );
  const document = { document: 'AWS-RunShellScript', instance, key: 'incident-1', 'parameter.commands': 'df -h' };
  const mark = markOf(
    requestOf({ platform: 'anywhere', action: 'run-document', parameters: document }),
    `run-document AWS-RunShellScript ${instance}`,
  );
  const ran = { Commands: [{ Comment: 'of somebody else' }, { Comment: `qmoi:${mark}` }] };
  return [
    {
      ...{ ...one, action: 'reboot-instance' },
      sent: { method: 'POST', url: '/', body: `Action=RebootInstances&Version=2016-11-15&InstanceId.1=${instance}` },
      ...{ found: [], always: 'unclear' },
    },
    {
      ...{ ...one, action: 'terminate-instance' },
      sent: {
        method: 'POST',
        url: '/',
        body: `Action=TerminateInstanceInAutoScalingGroup&Version=2011-01-01&InstanceId=${instance}&ShouldDecrementDesiredCapacity=false`,
      },
      at: {
        method: 'POST',
        url: '/',
        body: `Action=DescribeAutoScalingInstances&Version=2011-01-01&InstanceIds.member.1=${instance}`,
      },
      found: [
        [inGroup('Terminating:Wait'), 'happened'],
        [told(''), 'happened'],
        [inGroup('InService'), 'did-not-happen'],
        ['', 'unclear'],
      ],
      before: {
        ready: inGroup('InService'),
        already: inGroup('Terminating'),
        unfit: [inGroup('InService', 'others'), told(''), ''],
      },
    },
    {
      ...{ ...one, action: 'run-document', parameters: document },
      sent: {
        ...{ method: 'POST', url: '/', target: 'AmazonSSM.SendCommand' },
        body: {
          ...{ DocumentName: 'AWS-RunShellScript', InstanceIds: [instance], Comment: `qmoi:${mark}` },
          ...{ TimeoutSeconds: 600, Parameters: { commands: ['df -h'] } },
        },
      },
      at: {
        ...{ method: 'POST', url: '/', target: 'AmazonSSM.ListCommands' },
        body: { InstanceId: instance, MaxResults: 50 },
      },
      found: [[ran, 'happened'], [{ Commands: [] }, 'did-not-happen'], unclear],
      before: { ready: { Commands: [] }, already: ran, unfit: [{}] },
    },
  ];
}
