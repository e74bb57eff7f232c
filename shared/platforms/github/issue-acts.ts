import * as z from 'zod/mini';
import { call, numberIn, parameter, shaped } from '../action.ts';
import { issueActions, textOrNothing } from '../issues.ts';
import type { ActionRequest } from '../port.ts';
import { repoPath } from './paths.ts';

/** https://docs.github.com/en/rest/issues */

const author = { user: z.nullish(z.object({ type: z.string() })), author_association: z.optional(z.string()) };
const issues = z.array(z.object({ ...author, number: z.number(), state: z.string(), body: textOrNothing }));
const comments = z.array(z.object({ ...author, id: z.number(), body: textOrNothing }));

/** A mark is no secret: whoever belongs to the repository may be QMOI, and a passer-by is not. */
const OURS: ReadonlySet<string> = new Set(['OWNER', 'MEMBER', 'COLLABORATOR']);
const isOurs = (item: { user?: { type: string } | null | undefined; author_association?: string | undefined }) =>
  item.user?.type === 'Bot' || OURS.has(item.author_association ?? '');

const commentsPath = (of: ActionRequest, more = ''): string | undefined => {
  const issue = numberIn(parameter(of, 'issue'));
  return issue && repoPath(of, `/issues/${issue}/comments${more}`);
};

export const issueActs = issueActions({
  // What it has opened lies among the newest.
  issuePages: 3,
  issuesPath: (of) => repoPath(of, '/issues?state=all&sort=created&direction=desc&per_page=100'),
  issues: (seen) =>
    shaped(issues, seen)
      ?.filter(isOurs)
      .map(({ number, state, body }) => ({ id: number, text: body, isOpen: state === 'open' })),
  open: (of, { title, text }) => call('POST', repoPath(of, '/issues'), { title, body: text }),
  turn: (of, id, state) => call('PATCH', repoPath(of, `/issues/${id}`), { state }),
  commentPages: 10,
  commentsPath: (of) => commentsPath(of, '?per_page=100'),
  comments: (seen) =>
    shaped(comments, seen)
      ?.filter(isOurs)
      .map(({ id, body }) => ({ id, text: body })),
  comment: (of, body) => call('POST', commentsPath(of), { body }),
  deleteComment: (of, id) => call('DELETE', repoPath(of, `/issues/comments/${id}`)),
});
