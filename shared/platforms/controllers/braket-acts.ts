import * as z from 'zod/mini';
import { type Actions, byState, call, markOf, parameter, type Seen, shaped } from '../action.ts';
import type { ActionRequest } from '../port.ts';

/** What QMOI can do to quantum tasks and hybrid jobs. https://docs.aws.amazon.com/braket/latest/APIReference */

const traits = { tier: 3, on: 'run', proof: 'run-ended' } as const;
const ENDED: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'CANCELLING', 'CANCELLED']);

const status = z.object({ status: z.string() });
const task = z.object({
  ...status.shape,
  deviceArn: z.string(),
  shots: z.number(),
  outputS3Bucket: z.string(),
  /** Ends with the task's own folder. */
  outputS3Directory: z.string(),
});

/** `task-<id>` and `job-<id>`, as runs carry it; the region and the account are the function's own. */
function arnPath({ externalId, parameters }: ActionRequest, more = ''): string | undefined {
  const [, kind, id] = /^(task|job)-([\w.-]{1,128})$/.exec(externalId) ?? [];
  if (kind === undefined) return undefined;
  const type = kind === 'task' ? 'quantum-task' : 'job';
  const arn = `arn:aws:braket:${parameters?.region}:${parameters?.account}:${type}/${id}`;
  return `/braket/${type}/${encodeURIComponent(arn)}${more}`;
}
const isTask = ({ externalId }: ActionRequest): boolean => externalId.startsWith('task-');

const shotsOf = (of: ActionRequest, seen: Seen | undefined): number | undefined => {
  const told = parameter(of, 'shots');
  return told === undefined ? seen && shaped(task, seen)?.shots : Number(told);
};

/** The last part of the ARN of a task that was made. */
function taskIn(json: unknown): string | undefined {
  const arn = shaped(z.object({ quantumTaskArn: z.string() }), { json, partial: false })?.quantumTaskArn;
  return arn && /^[\w.-]{1,128}$/.exec(arn.slice(arn.lastIndexOf('/') + 1))?.[0];
}

/** `bucket`: where the results of what is submitted anew go. */
export const braketActionsFor = (bucket: string | undefined): Actions => ({
  'cancel-task': {
    does: 'cancels a quantum task, or a hybrid job',
    ...traits,
    first: true,
    reads: (of) => arnPath(of),
    means(seen) {
      const found = shaped(status, seen)?.status;
      return byState(found === undefined ? undefined : ENDED.has(found));
    },
    shows(seen) {
      const found = shaped(status, seen)?.status;
      if (found === undefined) return undefined;
      const ended = ENDED.has(found) && found !== 'CANCELLING';
      return { status: ended ? 'succeeded' : 'pending', detail: `it is ${found}` };
    },
    request: (of) => call('PUT', arnPath(of, '/cancel'), isTask(of) ? { clientToken: markOf(of, 'cancel-task') } : {}),
  },
  'resubmit-task': {
    does: 'submits a quantum task that failed anew, to the same device; Braket keeps no programs, so the program (OpenQASM) comes along',
    ...traits,
    proof: 'new-run',
    needs: ['program'],
    takes: ['shots', 'key'],
    first: true,
    // Braket takes a token it knows for the task that it has made for it.
    repeatable: true,
    reads: (of) => (isTask(of) && parameter(of, 'program') !== undefined ? arnPath(of) : undefined),
    means: () => 'did-not-happen',
    unfit(seen, of) {
      const found = shaped(task, seen);
      if (found === undefined) return 'Braket does not say what the task was';
      if (found.status !== 'FAILED' && found.status !== 'CANCELLED') return `the task is ${found.status}`;
      if (found.outputS3Bucket !== bucket) return `the settings do not name the bucket ${found.outputS3Bucket}`;
      const shots = shotsOf(of, seen) ?? 0;
      return Number.isInteger(shots) && shots >= 0 && shots <= found.shots ? undefined : 'more shots than the task had';
    },
    request(of, seen) {
      const found = seen && shaped(task, seen);
      const header = { name: 'braket.ir.openqasm.program', version: '1' };
      return call('POST', found && '/braket/quantum-task', {
        action: JSON.stringify({ braketSchemaHeader: header, source: parameter(of, 'program') }),
        clientToken: markOf(of, 'resubmit-task'),
        deviceArn: found?.deviceArn,
        outputS3Bucket: found?.outputS3Bucket,
        outputS3KeyPrefix: found?.outputS3Directory.split('/').slice(0, -1).join('/') || 'tasks',
        shots: shotsOf(of, seen),
      });
    },
    detail(json) {
      const made = taskIn(json);
      return made === undefined ? undefined : `submitted as ${made}`;
    },
    // As its run carries it.
    made(json) {
      const made = taskIn(json);
      return made === undefined ? undefined : `task-${made}`;
    },
  },
});
