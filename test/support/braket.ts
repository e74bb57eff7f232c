/** Amazon Braket, as far as QMOI hears it: what it puts on its account's bus. */

export interface BraketEvent {
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: 'aws.braket';
  readonly [field: string]: unknown;
}

let events = 0;
const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1, 10);
const SV1 = 'arn:aws:braket:::device/quantum-simulator/amazon/sv1';

const eventOf = (type: string, at: number, arn: string, detail: object): BraketEvent => ({
  version: '0',
  id: `00000000-0000-4000-8000-${String(++events).padStart(12, '0')}`,
  'detail-type': type,
  source: 'aws.braket',
  account: '000000000000',
  // Of a whole second, as all of EventBridge's times.
  time: `${new Date(at).toISOString().slice(0, 19)}Z`,
  region: 'us-east-1',
  resources: [arn],
  detail,
});

/** The events of a quantum task, a minute apart. */
export function taskEvents(
  task: string,
  statuses: readonly string[],
  { device = SV1, start = START, detail = {} }: { device?: string; start?: number; detail?: object } = {},
): BraketEvent[] {
  const arn = `arn:aws:braket:us-east-1:000000000000:quantum-task/${task}`;
  return statuses.map((status, index) =>
    eventOf('Braket Task State Change', start + index * MINUTE, arn, {
      quantumTaskArn: arn,
      status,
      deviceArn: device,
      shots: '100',
      outputS3Bucket: 'amazon-braket-results',
      outputS3Directory: `tasks/${task}`,
      createdAt: new Date(start + 123).toISOString(),
      eventName: index === 0 ? 'INSERT' : 'MODIFY',
      ...(['COMPLETED', 'FAILED', 'CANCELLED'].includes(status) && {
        endedAt: new Date(start + index * MINUTE - 456).toISOString(),
      }),
      ...detail,
    }),
  );
}

/** The events of a hybrid job, a minute apart. */
export function hybridJobEvents(job: string, statuses: readonly string[], detail: object = {}): BraketEvent[] {
  const arn = `arn:aws:braket:us-east-1:000000000000:job/${job}`;
  return statuses.map((status, index) =>
    eventOf('Braket Job State Change', START + index * MINUTE, arn, {
      ...{ jobArn: arn, jobName: job, status, createdAt: new Date(START).toISOString() },
      ...(index > 1 && { startedAt: new Date(START + MINUTE).toISOString() }),
      ...(['COMPLETED', 'FAILED', 'CANCELLED'].includes(status) && {
        endedAt: new Date(START + index * MINUTE).toISOString(),
      }),
      ...detail,
    }),
  );
}

export const deviceEvent = (
  deviceArn: string,
  status: string,
  detail: object = { deviceStatus: status },
): BraketEvent => eventOf('Braket Device Status Change', START, deviceArn, { deviceArn, ...detail });
