import * as z from 'zod/mini';

/**
 * The fields QMOI uses of Braket's events, and nothing else: what is not needed is not judged.
 * https://docs.aws.amazon.com/braket/latest/developerguide/braket-monitor-eventbridge.html
 */
const text = z.nullish(z.string());
/** The last part of what Braket calls a task or a job by; it becomes part of a key. */
const arnOf = (type: string) =>
  z.string().check(z.regex(new RegExp(`^arn:aws[a-z-]*:braket:[a-z0-9-]*:\\d{0,12}:${type}/[\\w.-]{1,128}$`)));
const deviceArn = z
  .string()
  .check(z.regex(/^arn:aws[a-z-]*:braket:[a-z0-9-]*:\d{0,12}:device\/[\w.-]{1,64}\/[\w.-]{1,64}\/[\w.-]{1,64}$/));

const envelope = {
  id: z.string().check(z.minLength(1)),
  time: z.string(),
  region: z.string().check(z.regex(/^[a-z0-9-]{1,32}$/)),
};
const statusOf = z.enum(['CREATED', 'QUEUED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLING', 'CANCELLED']);
const times = { createdAt: text, startedAt: text, endedAt: text };

export const taskEvent = z.object({
  ...envelope,
  detail: z.object({
    ...times,
    quantumTaskArn: arnOf('quantum-task'),
    status: statusOf,
    deviceArn,
    // Of a task that a hybrid job has made.
    jobArn: z.nullish(arnOf('job')),
    failureReason: text,
  }),
});

export const jobEvent = z.object({
  ...envelope,
  detail: z.object({
    ...times,
    jobArn: arnOf('job'),
    status: statusOf,
    jobName: text,
    failureReason: text,
  }),
});

/**
 * Braket documents that there are such events, and not what is in them; its API calls a device's status `deviceStatus`, and
 * its other events a status `status`.
 */
export const deviceEvent = z.object({
  ...envelope,
  detail: z.pipe(
    z.object({ deviceArn, deviceName: text, deviceStatus: text, status: text }),
    z.transform(({ deviceStatus, status, ...rest }, context) => {
      const told = deviceStatus ?? status;
      if (told === 'ONLINE' || told === 'OFFLINE' || told === 'RETIRED')
        return { ...rest, status: told as DeviceStatus };
      context.issues.push({ code: 'custom', path: ['deviceStatus'], message: 'no status', input: told });
      return z.NEVER;
    }),
  ),
});
type DeviceStatus = 'ONLINE' | 'OFFLINE' | 'RETIRED';

export const EVENTS = {
  'Braket Task State Change': taskEvent,
  'Braket Job State Change': jobEvent,
  'Braket Device Status Change': deviceEvent,
  'Braket QPU Status Change': deviceEvent,
} as const;
export type EventName = keyof typeof EVENTS;
export const isKnownEvent = (name: string): name is EventName => Object.hasOwn(EVENTS, name);

export type TaskEvent = z.infer<typeof taskEvent>;
export type JobEvent = z.infer<typeof jobEvent>;
export type DeviceEvent = z.infer<typeof deviceEvent>;
