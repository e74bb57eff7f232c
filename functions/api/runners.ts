import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { HEARTBEAT_PLATFORMS } from '../../shared/platforms/heartbeat/kept.ts';
import { COMMANDS, listCommands, orderCommand } from '../../shared/runners/index.ts';
import type { Store } from '../../shared/store/index.ts';
import { Problem } from './http.ts';
import type { Operation } from './operations.ts';
import { type JsonSchema, time } from './views.ts';

const commandBody = z.strictObject({
  command: z.enum(COMMANDS),
  reason: z.optional(z.string().check(z.maxLength(500))),
});

const command: JsonSchema = {
  type: 'object',
  properties: {
    id: { type: 'string' },
    runnerId: { type: 'string' },
    command: { type: 'string', enum: COMMANDS },
    status: {
      type: 'string',
      enum: ['pending', 'sent', 'done', 'failed', 'refused', 'unknown', 'expired'],
      description: '`expired`: no agent took it in time. `unknown`: one did, and what came of it was never heard.',
    },
    reason: { type: 'string' },
    output: { type: 'string', description: 'What the agent said of it, without what looks like a secret.' },
    createdAt: time,
    expiresAt: { ...time, description: 'After this no agent does it any more.' },
    sentAt: time,
    endedAt: time,
  },
  required: ['id', 'runnerId', 'command', 'status', 'createdAt', 'expiresAt'],
};

/** Only machines that send heartbeats have an agent that asks what it is to do. */
async function known(store: Store, id: string): Promise<void> {
  const runner = await store.get('runner', id);
  if (runner?.id !== id) throw new Problem(404, 'There is no such runner.');
  if (!(HEARTBEAT_PLATFORMS as readonly string[]).includes(runner.platform)) {
    throw new Problem(409, 'This runner has no agent of QMOI: its platform speaks for it.');
  }
}

export const runnerOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: '/v1/runners/{id}/commands',
    id: 'list-runner-commands',
    summary: 'What the agent of a runner was told to do, newest first',
    answers: {
      200: {
        means: 'All of the last 90 days.',
        schema: { type: 'object', properties: { items: { type: 'array', items: command } }, required: ['items'] },
      },
    },
    problems: [404, 409],
    async run({ store, id }) {
      await known(store, id);
      return { status: 200, body: { items: await listCommands(store, id) } };
    },
  },
  {
    method: 'POST',
    path: '/v1/runners/{id}/commands',
    id: 'order-runner-command',
    summary: 'Have the agent of a runner do something',
    description:
      'It is signed for that machine alone and goes out with the answer to its next heartbeat; it is done at most once.',
    body: commandBody,
    bodyName: 'RunnerCommand',
    bodyHelp: `The body is an object with command, one of ${COMMANDS.join(' and ')}, and perhaps a reason.`,
    answers: { 202: { means: 'It waits for the next heartbeat.', schema: command } },
    problems: [404, 409],
    async run({ store, id, body }) {
      await known(store, id);
      const order = { ...(body as z.infer<typeof commandBody>), runnerId: id, id: randomUUID() };
      const ordered = await orderCommand(store, order);
      if (ordered === undefined) throw new Problem(409, 'Too much waits for this agent already.');
      return { status: 202, body: ordered };
    },
  },
];
