import * as z from 'zod/mini';
import { type Actions, byState, call, markOf, parameter, type Seen, shaped } from '../action.ts';
import type { ActionRequest } from '../port.ts';

/** What QMOI can do to machines on AWS. https://docs.aws.amazon.com/{AWSEC2,autoscaling,systems-manager}/latest/APIReference */

const traits = { tier: 3, on: 'run', proof: 'answer' } as const;
const INSTANCE = /^i-[0-9a-f]{8,17}$/;

export const instanceIn = (of: ActionRequest): string | undefined => {
  const id = parameter(of, 'instance');
  return id !== undefined && INSTANCE.test(id) ? id : undefined;
};

/** XML, of which two words are of use. */
const textOf = ({ json }: Seen): string => (typeof json === 'string' ? json : '');
const wordIn = (seen: Seen, name: string): string | undefined =>
  new RegExp(`<${name}>([\\w.:+=@ /-]{1,255})</${name}>`).exec(textOf(seen))?.[1];
/** The group that an instance is in, by the answer of DescribeAutoScalingInstances. */
const groupIn = (seen: Seen): string | undefined => wordIn(seen, 'AutoScalingGroupName');

const commands = z.object({ Commands: z.array(z.object({ Comment: z.optional(z.string()) })) });
const commentOf = (of: ActionRequest): string =>
  `qmoi:${markOf(of, `run-document ${parameter(of, 'document') ?? ''} ${parameter(of, 'instance') ?? ''}`)}`;
const PARAMETER = 'parameter.';
const RUN_WITHIN_SECONDS = 600;

/** `groups`: those whose instances may be terminated. */
export const awsActionsFor = (groups: readonly string[]): Actions => ({
  'reboot-instance': {
    does: 'reboots an EC2 instance that the settings name',
    ...traits,
    needs: ['instance'],
    // Nothing that AWS tells of an instance shows that it was rebooted.
    reads: () => undefined,
    means: () => 'unclear',
    request(of) {
      const id = instanceIn(of);
      return call('POST', id && '/ec2', { Action: 'RebootInstances', Version: '2016-11-15', 'InstanceId.1': id });
    },
  },
  'terminate-instance': {
    does: 'terminates an EC2 instance of an Auto Scaling group that the settings name, which puts another in its place',
    ...traits,
    needs: ['instance'],
    first: true,
    reads(of) {
      const id = instanceIn(of);
      const action = { Action: 'DescribeAutoScalingInstances', Version: '2011-01-01', 'InstanceIds.member.1': id };
      return call('POST', id && '/autoscaling', action);
    },
    means(seen) {
      if (!textOf(seen).includes('<DescribeAutoScalingInstancesResponse')) return 'unclear';
      const state = wordIn(seen, 'LifecycleState');
      return byState(state === undefined || state.startsWith('Terminat'));
    },
    unfit(seen) {
      const group = groupIn(seen);
      if (group === undefined) return 'the instance is in no Auto Scaling group';
      return groups.includes(group) ? undefined : `the settings do not name the group ${group}`;
    },
    request(of) {
      const id = instanceIn(of);
      const action = { Action: 'TerminateInstanceInAutoScalingGroup', Version: '2011-01-01', InstanceId: id };
      return call('POST', id && '/autoscaling', { ...action, ShouldDecrementDesiredCapacity: 'false' });
    },
  },
  'run-document': {
    does: 'runs a document of Systems Manager that the settings name, on an EC2 instance that they name',
    ...traits,
    needs: ['document', 'instance'],
    takes: ['key', `${PARAMETER}*`],
    first: true,
    reads(of) {
      const id = instanceIn(of);
      return call('POST', id && '/ssm/ListCommands', { InstanceId: id, MaxResults: 50 });
    },
    means: (seen, of) => byState(shaped(commands, seen)?.Commands.some(({ Comment }) => Comment === commentOf(of))),
    request(of) {
      const [id, DocumentName] = [instanceIn(of), parameter(of, 'document')];
      const Parameters = Object.fromEntries(
        Object.entries(of.parameters ?? {})
          .filter(([name]) => name.startsWith(PARAMETER))
          .map(([name, value]) => [name.slice(PARAMETER.length), [String(value)]]),
      );
      return call('POST', id && DocumentName && '/ssm/SendCommand', {
        ...{ DocumentName, InstanceIds: [id], Comment: commentOf(of), TimeoutSeconds: RUN_WITHIN_SECONDS },
        ...(Object.keys(Parameters).length > 0 && { Parameters }),
      });
    },
  },
});
