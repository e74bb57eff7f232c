import * as z from 'zod/mini';
import { call, numberIn, parameter, query, shaped } from '../action.ts';
import { issueActions, issueMark, textOrNothing } from '../issues.ts';
import type { ActionRequest } from '../port.ts';
import { projectPath } from './paths.ts';

/** https://docs.gitlab.com/api/issues and /api/notes */

const issues = z.array(z.object({ iid: z.number(), state: z.string(), description: textOrNothing }));
const notes = z.array(z.object({ id: z.number(), body: textOrNothing }));

const notesPath = (of: ActionRequest, more = ''): string | undefined => {
  const issue = numberIn(parameter(of, 'issue'));
  return issue && projectPath(of, `/issues/${issue}/notes${more}`);
};

export const issueActs = issueActions({
  // GitLab looks for a word in descriptions without delay. A mark is no secret, so only what this token's user has written counts.
  issuesPath(of) {
    const search = issueMark(of).replace(/^<!-- | -->$/g, '');
    return projectPath(of, `/issues?${query({ scope: 'created_by_me', search, in: 'description', per_page: '100' })}`);
  },
  issues: (seen) =>
    shaped(issues, seen)?.map(({ iid, state, description }) => ({
      id: iid,
      text: description,
      isOpen: state === 'opened',
    })),
  open: (of, { title, text }) => call('POST', projectPath(of, '/issues'), { title, description: text }),
  turn: (of, id, to) =>
    call('PUT', projectPath(of, `/issues/${id}`), { state_event: to === 'closed' ? 'close' : 'reopen' }),
  commentPages: 10,
  commentsPath: (of) => notesPath(of, '?sort=desc&per_page=100'),
  comments: (seen) => shaped(notes, seen)?.map(({ id, body }) => ({ id, text: body })),
  comment: (of, body) => call('POST', notesPath(of), { body }),
  deleteComment: (of, id) => call('DELETE', notesPath(of, `/${id}`)),
});
