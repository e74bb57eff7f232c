import * as z from 'zod/mini';
import { askFor } from '../../shared/remediation/index.ts';
import { Problem } from './http.ts';
import type { Operation } from './operations.ts';
import { viewOf } from './views.ts';

const text = (most: number) => z.string().check(z.minLength(1), z.maxLength(most));
const body = z.strictObject({
  runId: text(800),
  action: text(64),
  jobId: z.optional(text(800)),
  parameters: z.optional(z.record(text(110), z.string().check(z.maxLength(1_000)))),
  reason: z.optional(text(500)),
  /** Taken back by itself then. */
  lastsHours: z.optional(z.number().check(z.positive(), z.maximum(24 * 90))),
});

export const byHandOperations: readonly Operation[] = [
  {
    method: 'POST',
    path: '/v1/remediations',
    id: 'ask-for-remediation',
    summary: 'Ask for a fix',
    description:
      'Carried out like any other fix: within the controls and budgets, at most once, looked up when the answer is lost, and proved. The same again within a minute is the same fix. With `lastsHours` it is taken back by itself after that time.',
    body,
    bodyName: 'AskBody',
    bodyHelp:
      'The body is an object with the runId and the action, and the jobId and parameters that the action takes.',
    answers: { 202: { means: 'It is written down, and will be carried out.', schema: { item: 'remediations' } } },
    problems: [400, 404],
    async run({ store, body: given }) {
      const taken = await askFor(store, { ...(given as z.infer<typeof body>), by: 'master' });
      if ('refused' in taken) throw new Problem(taken.missing ? 404 : 400, taken.refused);
      return { status: 202, body: viewOf('remediation', taken.fix) };
    },
  },
];
