import { ACCOUNT, AwsFault, type Caller, REGION } from '../kernel.ts';
import type { PendingFiring } from './state.ts';
import type { ScheduleDefinition, SchedulerOptions } from './types.ts';

type Services = Pick<SchedulerOptions, 'authorizer' | 'sqs' | 'targets'>;

/** AWS's defaults. */
const MAX_RETRIES = 185;
const MAX_AGE_SECONDS = 86_400;
const LONGEST_WAIT_SECONDS = 600;

export const isoSeconds = (instant: number): string => `${new Date(instant).toISOString().slice(0, 19)}Z`;

/** What the target gets: the schedule's own input, its context attributes filled in, or the event that says what fired. */
export function payloadOf(schedule: ScheduleDefinition, firing: PendingFiring): string {
  const time = isoSeconds(firing.due);
  if (schedule.target.input === undefined) {
    return JSON.stringify({
      version: '0',
      id: firing.id,
      'detail-type': 'Scheduled Event',
      source: 'aws.scheduler',
      account: ACCOUNT,
      time,
      region: REGION,
      resources: [schedule.arn],
      // A string, as Scheduler sends it.
      detail: '{}',
    });
  }
  return schedule.target.input
    .replaceAll('<aws.scheduler.schedule-arn>', schedule.arn)
    .replaceAll('<aws.scheduler.scheduled-time>', time)
    .replaceAll('<aws.scheduler.execution-id>', firing.id)
    .replaceAll('<aws.scheduler.attempt-number>', String(firing.attempts + 1));
}

/** Makes the target's call as the schedule's role. Rejects with what the call was refused with. */
export async function handOver(services: Services, schedule: ScheduleDefinition, payload: string): Promise<void> {
  const caller = assume(services, schedule);
  const { arn } = schedule.target;
  if (isQueue(arn)) {
    services.sqs.send(caller, arn, { body: payload });
    return;
  }
  services.authorizer(caller, 'lambda:InvokeFunction', arn);
  await services.targets.invoke(arn, payload, caller);
}

/** Whether it went to the schedule's DLQ. */
export function deadLetter(
  services: Services,
  schedule: ScheduleDefinition,
  firing: PendingFiring,
  payload: string,
  failure: Failure,
): boolean {
  const { arn, deadLetterArn } = schedule.target;
  if (deadLetterArn === undefined) return false;
  const attributes = {
    SCHEDULE_ARN: schedule.arn,
    TARGET_ARN: arn,
    EXECUTION_ID: firing.id,
    SCHEDULED_TIME: isoSeconds(firing.due),
    ERROR_CODE: failure.code,
    ERROR_MESSAGE: failure.message,
    RETRY_ATTEMPTS: String(firing.attempts - 1),
    IS_PAYLOAD_TRUNCATED: 'false',
    ...(failure.exhausted === undefined ? {} : { EXHAUSTED_RETRY_CONDITION: failure.exhausted }),
  };
  try {
    services.sqs.send(assume(services, schedule), deadLetterArn, {
      body: payload,
      attributes: Object.fromEntries(
        Object.entries(attributes).map(([name, text]) => [name, { DataType: 'String', StringValue: text }]),
      ),
    });
    return true;
  } catch {
    // The role may not, or there is no such queue: lost, and reported as such.
    return false;
  }
}

export interface Failure {
  readonly code: string;
  readonly message: string;
  /** Which limit of the retry policy ended it; undefined when the call could never have succeeded. */
  readonly exhausted?: 'MaximumRetryAttempts' | 'MaximumEventAgeInSeconds';
}

/** What follows a failed attempt (already counted in `firing.attempts`): another one, or the end. */
export function afterFailure(
  schedule: ScheduleDefinition,
  firing: PendingFiring,
  error: unknown,
  now: number,
): { readonly retryAt: number } | Failure {
  const { maximumRetryAttempts = MAX_RETRIES, maximumEventAgeInSeconds = MAX_AGE_SECONDS } =
    schedule.target.retryPolicy ?? {};
  const code = error instanceof AwsFault ? error.code : 'InternalFailure';
  const message = (error instanceof Error ? error.message : String(error)) || code;
  if (isFinal(error)) return { code, message };
  if (firing.attempts > maximumRetryAttempts) return { code, message, exhausted: 'MaximumRetryAttempts' };
  const retryAt = now + Math.min(2 ** (firing.attempts - 1), LONGEST_WAIT_SECONDS) * 1000;
  if (retryAt > firing.acceptedAt + maximumEventAgeInSeconds * 1000) {
    return { code, message, exhausted: 'MaximumEventAgeInSeconds' };
  }
  return { retryAt };
}

/** Throws one sentence for a target that the host has no service for. */
export function assertTarget({ target }: ScheduleDefinition): void {
  for (const arn of [target.arn, ...(target.deadLetterArn === undefined ? [] : [target.deadLetterArn])]) {
    if (isQueue(arn) || (arn === target.arn && arn.startsWith('arn:aws:lambda:'))) continue;
    throw new Error(`its target ${arn} is neither a queue nor a function`);
  }
}

/** The caller's own fault, which no repetition mends; throttling is the exception among those. */
function isFinal(error: unknown): boolean {
  return error instanceof AwsFault && error.status < 500 && error.status !== 429 && !error.code.includes('Throttl');
}

function assume({ authorizer }: Services, { name, arn, target }: ScheduleDefinition): Caller {
  // The service acts for the schedule's group, which is what trust policies name in aws:SourceArn.
  const group = arn.replace(/:schedule\/([^/]+)\/.*$/, ':schedule-group/$1');
  authorizer.assertAssumable(target.roleArn, 'scheduler.amazonaws.com', group);
  return { type: 'role', arn: target.roleArn, functionName: name };
}

function isQueue(arn: string): boolean {
  return arn.startsWith('arn:aws:sqs:');
}
