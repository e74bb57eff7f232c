import { isEnded, type JobFact } from '../../model/index.ts';
import { ids } from '../../store/keys.ts';
import { nameOf, present, timeOf } from '../clean.ts';
import { type DeliveredEvent, noFacts, type PlatformFacts } from '../port.ts';
import { jsonOf } from '../request.ts';
import { factsOfSingleRun } from '../single-run.ts';
import {
  type DeviceEvent,
  deviceEvent,
  isKnownEvent,
  type JobEvent,
  jobEvent,
  type TaskEvent,
  taskEvent,
} from './payloads.ts';
import { DEVICE_STATUS, STATUS } from './status.ts';

const platform = 'braket';
/** Hybrid jobs run on no device of their own; the instance that they run on has no name. */
const HYBRID_JOBS = 'hybrid-jobs';

export function normalise(delivery: DeliveredEvent): PlatformFacts {
  if (!isKnownEvent(delivery.event)) return noFacts();
  const payload = jsonOf(delivery.body.toString('utf8'));
  switch (delivery.event) {
    case 'Braket Task State Change':
      return factsOfTask(taskEvent.parse(payload), delivery);
    case 'Braket Job State Change':
      return factsOfHybridJob(jobEvent.parse(payload), delivery);
    default:
      return factsOfDevice(deviceEvent.parse(payload), delivery);
  }
}

/** A quantum task is a run of its device's queue. */
function factsOfTask(event: TaskEvent, delivery: DeliveredEvent): PlatformFacts {
  const { quantumTaskArn, deviceArn, jobArn } = event.detail;
  const device = deviceOf(deviceArn);
  return factsOf(event, delivery, {
    externalId: `task-${lastOf(quantumTaskArn)}`,
    kind: 'task',
    job: 'task',
    automation: { externalId: device.path, name: device.repository },
    repository: device.repository,
    repositoryId: device.path,
    parentRunId: jobArn ? ids.run(platform, `job-${lastOf(jobArn)}`, 1) : undefined,
    runner: { id: ids.runner(platform, event.region, device.path), name: device.name },
  });
}

function factsOfHybridJob(event: JobEvent, delivery: DeliveredEvent): PlatformFacts {
  return factsOf(event, delivery, {
    externalId: `job-${lastOf(event.detail.jobArn)}`,
    kind: 'custom',
    job: nameOf(event.detail.jobName) ?? 'job',
    automation: { externalId: HYBRID_JOBS, name: 'hybrid jobs' },
    repository: HYBRID_JOBS,
    repositoryId: HYBRID_JOBS,
    parentRunId: undefined,
    runner: undefined,
  });
}

interface Work {
  readonly externalId: string;
  readonly kind: 'task' | 'custom';
  readonly job: string;
  readonly automation: { readonly externalId: string; readonly name: string };
  readonly repository: string;
  readonly repositoryId: string;
  readonly parentRunId: string | undefined;
  readonly runner: { readonly id: string; readonly name: string } | undefined;
}

function factsOf(
  { time, detail }: TaskEvent | JobEvent,
  { origin, receivedAt }: DeliveredEvent,
  { job: name, runner, parentRunId, ...work }: Work,
): PlatformFacts {
  const status = STATUS[detail.status];
  const at = timeOf(time) ?? receivedAt;
  const endedAt = isEnded(status) ? (timeOf(detail.endedAt) ?? at) : undefined;
  const times = {
    queuedAt: timeOf(detail.createdAt),
    startedAt: timeOf(detail.startedAt) ?? (detail.status === 'RUNNING' ? at : undefined),
    endedAt,
  };
  const statusAt = endedAt ?? at;
  const run = factsOfSingleRun({ ...work, ...times, platform, status, statusAt, parentRunId }, origin);
  const { externalId, repository, repositoryId } = work;
  const job: JobFact = present({
    ...{ platform, externalId, repository, repositoryId, ...times, status, statusAt, origin, name, runner },
    id: ids.job(platform, externalId, 'work'),
    runId: ids.run(platform, externalId, 1),
    attempt: 1,
    steps: [],
    failureReason: nameOf(detail.failureReason),
  });
  return { ...run, jobs: [job] };
}

/** A device takes tasks, so it is a runner; what is sent to it again and again is its queue, an automation. */
function factsOfDevice({ time, region, detail }: DeviceEvent, { origin, receivedAt }: DeliveredEvent): PlatformFacts {
  const device = deviceOf(detail.deviceArn);
  const statusAt = timeOf(time) ?? receivedAt;
  const common = { platform, externalId: device.path, statusAt, origin };
  return {
    ...noFacts(),
    runners: [
      {
        ...common,
        id: ids.runner(platform, region, device.path),
        status: DEVICE_STATUS[detail.status],
        scope: region,
        kind: 'hosted',
        name: device.name,
        pool: device.type,
      },
    ],
    automations: [
      {
        ...common,
        id: ids.automation(platform, device.path),
        ...(detail.status === 'RETIRED' && { status: 'disabled' as const }),
        repository: device.repository,
        name: device.repository,
        recent: [],
      },
    ],
  };
}

const lastOf = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);

/** `arn:aws:braket:us-west-1::device/qpu/rigetti/Aspen-M-1` */
function deviceOf(arn: string): { path: string; type: string; repository: string; name: string } {
  const path = arn.slice(arn.indexOf('/') + 1);
  const [type = '', provider = '', name = ''] = path.split('/');
  return { path, type, repository: `${provider}/${name}`, name };
}

/** The repository that an event is about. */
export function repositoryOf({ detail }: TaskEvent | JobEvent | DeviceEvent): string {
  return 'deviceArn' in detail ? deviceOf(detail.deviceArn).repository : HYBRID_JOBS;
}
