import * as z from 'zod/mini';
import { type Actions, byFinding, byState, call, numberIn, parameter, query, type Seen, shaped } from '../action.ts';
import { commentMark, commentOf, issueMark, issueOf, issueTraits, isThere, marked, textOrNothing } from '../issues.ts';
import type { ActionRequest } from '../port.ts';
import { projectPath } from './paths.ts';

/** https://docs.gitlab.com/api/issues and /api/notes */

const issues = z.array(z.object({ iid: z.number(), state: z.string(), description: textOrNothing }));
const notes = z.array(z.object({ id: z.number(), body: textOrNothing }));
const NOTE_PAGES = 10;

/** GitLab looks for a word in descriptions without delay. A mark is no secret, so only what this token's user has written counts. */
const issuesPath = (of: ActionRequest): string => {
  const search = issueMark(of).replace(/^<!-- | -->$/g, '');
  return projectPath(of, `/issues?${query({ scope: 'created_by_me', search, in: 'description', per_page: '100' })}`);
};

const own = (seen: Seen, of: ActionRequest) =>
  marked(shaped(issues, seen), issueMark(of), ({ description }) => description);
const ownNote = (seen: Seen, of: ActionRequest) => marked(shaped(notes, seen), commentMark(of), ({ body }) => body);

const turned = (state: 'closed' | 'opened') => ({
  first: true as const,
  reads: issuesPath,
  means(seen: Seen, of: ActionRequest) {
    const issue = own(seen, of);
    return byState(issue ? issue.state === state : undefined);
  },
  unfit: (seen: Seen, of: ActionRequest) => (own(seen, of) === null ? 'QMOI has opened no such issue' : undefined),
  request(of: ActionRequest, seen: Seen | undefined) {
    const issue = seen && own(seen, of);
    const state_event = state === 'closed' ? 'close' : 'reopen';
    return call('PUT', issue ? projectPath(of, `/issues/${issue.iid}`) : undefined, { state_event });
  },
});

const notesPath = (of: ActionRequest, more: string): string | undefined => {
  const issue = numberIn(parameter(of, 'issue'));
  return issue && projectPath(of, `/issues/${issue}/notes${more}`);
};

export const issueActs: Actions = {
  'open-issue': {
    ...issueTraits['open-issue'],
    first: true,
    reads: issuesPath,
    means: (seen, of) => byState(isThere(own(seen, of))),
    request(of) {
      const issue = issueOf(of);
      return call(
        'POST',
        issue && projectPath(of, '/issues'),
        issue && { title: issue.title, description: issue.text },
      );
    },
  },
  'close-issue': { ...issueTraits['close-issue'], ...turned('closed') },
  'reopen-issue': { ...issueTraits['reopen-issue'], ...turned('opened') },
  'comment-issue': {
    ...issueTraits['comment-issue'],
    first: true,
    pages: NOTE_PAGES,
    reads: (of) => notesPath(of, '?sort=desc&per_page=100'),
    means: (seen, of) => byFinding(isThere(ownNote(seen, of)), seen),
    request(of) {
      const body = commentOf(of);
      return call('POST', body && notesPath(of, ''), { body });
    },
  },
  'delete-comment': {
    ...issueTraits['delete-comment'],
    first: true,
    pages: NOTE_PAGES,
    reads: (of) => notesPath(of, '?sort=desc&per_page=100'),
    means(seen, of) {
      const found = isThere(ownNote(seen, of));
      return byFinding(found, seen) === 'unclear' ? 'unclear' : byState(!found);
    },
    request(of, seen) {
      const note = seen && ownNote(seen, of);
      return call('DELETE', note ? notesPath(of, `/${note.id}`) : undefined);
    },
  },
};
