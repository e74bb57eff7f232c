import { markOf } from '../../../../shared/platforms/action.ts';
import { type ActionRow, requestOf, unclear } from './row.ts';

export const braket: readonly ActionRow[] = [...(['task', 'job'] as const).map(cancelled), resubmitted()];

function cancelled(kind: 'task' | 'job'): ActionRow {
  const type = kind === 'task' ? 'quantum-task' : 'job';
  const at = `/${type}/${encodeURIComponent(`arn:aws:braket:us-east-1:123456789012:${type}/7-a`)}`;
  const request = { externalId: `${kind}-7-a`, runId: `braket:${kind}-7-a:1` };
  const clientToken = markOf(
    { ...requestOf({ platform: 'braket', action: 'cancel-task' }), ...request },
    'cancel-task',
  );
  return {
    ...{ platform: 'braket', action: 'cancel-task', request, at },
    sent: { method: 'PUT', url: `${at}/cancel`, body: kind === 'task' ? { clientToken } : {} },
    found: [
      [{ status: 'CANCELLING' }, 'happened'],
      [{ status: 'COMPLETED' }, 'happened'],
      [{ status: 'QUEUED' }, 'did-not-happen'],
      unclear,
    ],
    shows: [
      [{ status: 'CANCELLING' }, 'pending'],
      [{ status: 'CANCELLED' }, 'succeeded'],
      [{}, undefined],
    ],
    before: { ready: { status: 'RUNNING' }, already: { status: 'FAILED' }, unfit: [{}] },
  };
}

function resubmitted(): ActionRow {
  const parameters = { program: 'OPENQASM 3; qubit q; h q;', shots: '100' };
  const request = { externalId: 'task-7-a', runId: 'braket:task-7-a:1' };
  const row = { platform: 'braket', action: 'resubmit-task', parameters, request };
  const failed = {
    ...{ status: 'FAILED', deviceArn: 'arn:aws:braket:::device/quantum-simulator/amazon/sv1', shots: 1000 },
    ...{ outputS3Bucket: 'amazon-braket-results', outputS3Directory: 'tasks/7-a' },
  };
  return {
    ...row,
    without: 'program',
    sent: {
      method: 'POST',
      url: '/quantum-task',
      body: {
        action: JSON.stringify({
          braketSchemaHeader: { name: 'braket.ir.openqasm.program', version: '1' },
          source: parameters.program,
        }),
        clientToken: markOf(requestOf(row), 'resubmit-task'),
        deviceArn: failed.deviceArn,
        ...{ outputS3Bucket: 'amazon-braket-results', outputS3KeyPrefix: 'tasks', shots: 100 },
      },
    },
    at: `/quantum-task/${encodeURIComponent('arn:aws:braket:us-east-1:123456789012:quantum-task/7-a')}`,
    ...{ found: [], always: 'did-not-happen' },
    before: {
      ready: failed,
      unfit: [
        { ...failed, status: 'RUNNING' },
        { ...failed, shots: 99 },
        { ...failed, outputS3Bucket: 'of-somebody-else' },
        {},
      ],
    },
  };
}
