import type { Hono } from 'hono/tiny';
import * as z from 'zod/mini';
import type { Remediation } from '../../shared/model/index.ts';
import type { ReadParameters } from '../../shared/platforms/port.ts';
import {
  type Answer,
  type Answered,
  answerApproval,
  askForRollback,
  readApprovalToken,
  standing,
} from '../../shared/remediation/index.ts';
import type { Store } from '../../shared/store/index.ts';
import { approvalPage } from './approval-page.ts';
import { type Gateway, Problem } from './http.ts';
import type { Operation } from './operations.ts';
import { viewOf } from './views.ts';

const MAX_REASON = 500;
const body = z.strictObject({ reason: z.optional(z.string().check(z.maxLength(MAX_REASON))) });

const bodyHelp = `The body is an object, which may have a reason of at most ${MAX_REASON} characters.`;

const REFUSALS: Readonly<Record<Exclude<Answered['kind'], 'done'>, string>> = {
  late: 'It does not wait for an answer any more.',
  answered: 'It was answered already.',
  'not-asked': 'It does not wait for an answer.',
};

const operationOf = (answer: Answer, summary: string, means: string): Operation => ({
  method: 'POST',
  path: `/v1/remediations/{id}/${answer}`,
  id: `${answer}-remediation`,
  summary,
  body,
  bodyName: 'ApprovalBody',
  bodyHelp,
  answers: { 200: { means, schema: { item: 'remediations' } } },
  problems: [400, 404, 409],
  async run({ store, id, body: given }) {
    const { reason } = given as z.infer<typeof body>;
    const answered = await answerApproval(store, id, { answer, by: 'master', reason });
    if (answered === undefined) throw new Problem(404, 'There is no such remediation.');
    if (answered.kind !== 'done') throw new Problem(409, REFUSALS[answered.kind]);
    return { status: 200, body: viewOf('remediation', answered.fix) };
  },
});

export const approvalOperations: readonly Operation[] = [
  operationOf(
    'approve',
    'Approve a fix that waits',
    'It is judged anew, and carried out if nothing speaks against it.',
  ),
  operationOf('refuse', 'Refuse a fix that waits', 'It will not be carried out.'),
  {
    method: 'POST',
    path: '/v1/remediations/{id}/rollback',
    id: 'roll-back-remediation',
    summary: 'Take a fix back',
    description:
      'By the action that undoes it: carried out at most once, looked up when the answer is lost, held by a stop and by nothing else. The same again changes nothing.',
    body,
    bodyName: 'ApprovalBody',
    bodyHelp,
    answers: { 202: { means: 'It is written down, and will be taken back.', schema: { item: 'remediations' } } },
    problems: [400, 404, 409],
    async run({ store, id, body: given }) {
      const { reason } = given as z.infer<typeof body>;
      const asked = await askForRollback(store, id, { by: 'master', reason });
      if (asked === undefined) throw new Problem(404, 'There is no such remediation.');
      if ('refused' in asked) throw new Problem(409, asked.refused);
      return { status: 202, body: viewOf('remediation', asked.fix) };
    },
  },
];

/**
 * The links that messages carry. A GET shows and only a POST answers, so that a scanner of mails approves nothing; who has
 * the link needs no token.
 */
export function addApprovalPages(
  app: Hono<{ Bindings: Gateway }>,
  { store, read }: { store: Store; read: ReadParameters },
): void {
  const open = async (token: string): Promise<{ fix: Remediation; asked: string }> => {
    const claims = await readApprovalToken(token, read);
    const fix = claims && (await store.get('remediation', claims.id));
    if (claims === undefined || fix?.id !== claims.id) throw new Problem(404, 'This link leads nowhere.');
    return { fix, asked: claims.asked };
  };
  app.get('/approvals/:token', async ({ req }) => {
    const { fix, asked } = await open(req.param('token'));
    const stands = standing(fix, Date.parse(store.now()), asked);
    return stands === 'waits'
      ? approvalPage(200, fix)
      : approvalPage(410, fix, REFUSALS[stands === 'done' ? 'answered' : stands]);
  });
  app.post('/approvals/:token', async ({ req }) => {
    const { fix, asked } = await open(req.param('token'));
    const answer = new URLSearchParams((await req.raw.text()).slice(0, MAX_REASON)).get('answer');
    if (answer !== 'approve' && answer !== 'refuse') throw new Problem(400, 'The answer is approve or refuse.');
    const answered = await answerApproval(store, fix.id, { answer, by: 'link', asked });
    if (answered === undefined) throw new Problem(404, 'This link leads nowhere.');
    if (answered.kind !== 'done') return approvalPage(410, answered.fix, REFUSALS[answered.kind]);
    return approvalPage(200, answered.fix, answer === 'approve' ? 'Approved.' : 'Refused.');
  });
  app.all('/approvals/:token', () => {
    throw new Problem(405, 'This takes GET, HEAD, POST.', { allow: 'GET, HEAD, POST' });
  });
}
