import * as z from 'zod/mini';
import { type Actions, byFinding, byState, call, numberIn, parameter, type Seen, shaped } from '../action.ts';
import { commentMark, commentOf, issueMark, issueOf, issueTraits, isThere, marked, textOrNothing } from '../issues.ts';
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

/** What it has opened lies among the newest. */
const issuesPath = (of: ActionRequest): string =>
  repoPath(of, '/issues?state=all&sort=created&direction=desc&per_page=100');
const PAGES = 3;
const COMMENT_PAGES = 10;

const own = (seen: Seen, of: ActionRequest) =>
  marked(shaped(issues, seen)?.filter(isOurs), issueMark(of), ({ body }) => body);

const closing = (state: 'closed' | 'open') => ({
  first: true as const,
  pages: PAGES,
  reads: issuesPath,
  means(seen: Seen, of: ActionRequest) {
    const issue = own(seen, of);
    return byState(issue ? issue.state === state : undefined);
  },
  unfit: (seen: Seen, of: ActionRequest) => (own(seen, of) === null ? 'QMOI has opened no such issue' : undefined),
  request(of: ActionRequest, seen: Seen | undefined) {
    const issue = seen && own(seen, of);
    return call('PATCH', issue ? repoPath(of, `/issues/${issue.number}`) : undefined, { state });
  },
});

const commentsPath = (of: ActionRequest): string | undefined => {
  const issue = numberIn(parameter(of, 'issue'));
  return issue && repoPath(of, `/issues/${issue}/comments?per_page=100`);
};
const ownComment = (seen: Seen, of: ActionRequest) =>
  marked(shaped(comments, seen)?.filter(isOurs), commentMark(of), ({ body }) => body);

export const issueActs: Actions = {
  'open-issue': {
    ...issueTraits['open-issue'],
    first: true,
    pages: PAGES,
    reads: issuesPath,
    means: (seen, of) => byState(isThere(own(seen, of))),
    request(of) {
      const issue = issueOf(of);
      return call('POST', issue && repoPath(of, '/issues'), issue && { title: issue.title, body: issue.text });
    },
  },
  'close-issue': { ...issueTraits['close-issue'], ...closing('closed') },
  'reopen-issue': { ...issueTraits['reopen-issue'], ...closing('open') },
  'comment-issue': {
    ...issueTraits['comment-issue'],
    first: true,
    pages: COMMENT_PAGES,
    reads: commentsPath,
    means: (seen, of) => byFinding(isThere(ownComment(seen, of)), seen),
    request(of) {
      const [issue, body] = [numberIn(parameter(of, 'issue')), commentOf(of)];
      return call('POST', issue && body && repoPath(of, `/issues/${issue}/comments`), { body });
    },
  },
  'delete-comment': {
    ...issueTraits['delete-comment'],
    first: true,
    pages: COMMENT_PAGES,
    reads: commentsPath,
    means(seen, of) {
      const found = isThere(ownComment(seen, of));
      return byFinding(found, seen) === 'unclear' ? 'unclear' : byState(!found);
    },
    request(of, seen) {
      const comment = seen && ownComment(seen, of);
      return call('DELETE', comment ? repoPath(of, `/issues/comments/${comment.id}`) : undefined);
    },
  },
};
