import * as z from 'zod/mini';
import { type Actions, byFinding, byState, type Call, markOf, parameter, type Seen } from './action.ts';
import { cut } from './clean.ts';
import type { ActionRequest } from './port.ts';

/** What GitHub's and GitLab's issues have in common: QMOI finds its own again by a mark that readers do not see. */

const MAX_TITLE = 200;
const MAX_BODY = 20_000;

const markFor = (of: ActionRequest, what: string): string => `<!-- qmoi:${markOf(of, what)} -->`;

/** In the issue that a request has opened, or is to open. */
export const issueMark = (of: ActionRequest): string => markFor(of, 'issue');
/** In the comment of a request; two comments on one issue have a `key` each. */
export const commentMark = (of: ActionRequest): string => markFor(of, `comment on ${parameter(of, 'issue') ?? ''}`);

const BREAK = '\u200b';
/**
 * Whatever comes from a log calls nobody by name, and hides nothing: neither a mark of its own nor what would hide QMOI's.
 * The text looks the same.
 */
const tamed = (text: string): string => text.replace(/@(?=[\w-])/g, `@${BREAK}`).replaceAll('<!--', `<${BREAK}!--`);

const signed = (text: string, mark: string): string => `${cut(tamed(text), MAX_BODY)}\n\n${mark}\n`;

/** Title and text of an issue; undefined without a title. */
export function issueOf(of: ActionRequest): { title: string; text: string } | undefined {
  const title = parameter(of, 'title');
  return title === undefined
    ? undefined
    : { title: cut(tamed(title), MAX_TITLE), text: signed(parameter(of, 'body') ?? title, issueMark(of)) };
}

export function commentOf(of: ActionRequest): string | undefined {
  const body = parameter(of, 'body');
  return body === undefined ? undefined : signed(body, commentMark(of));
}

/** What of a list carries a mark in its text. Null: nothing does. Undefined: the list could not be read. */
const marked = <T extends Written>(items: readonly T[] | undefined, mark: string) =>
  items && (items.find(({ text }) => text.includes(mark)) ?? null);

const isThere = (found: object | null | undefined): boolean | undefined =>
  found === undefined ? undefined : found !== null;

export const textOrNothing = z.pipe(
  z.nullish(z.string()),
  z.transform((told) => told ?? ''),
);

interface Written {
  readonly id: number;
  readonly text: string;
}

/** How a platform keeps issues and their comments. Lists hold what may be QMOI's own; undefined: the answer is no such list. */
export interface IssueTracker {
  readonly issuePages?: number;
  issuesPath(of: ActionRequest): string;
  issues(seen: Seen): readonly (Written & { readonly isOpen: boolean })[] | undefined;
  open(of: ActionRequest, issue: { title: string; text: string }): Call | undefined;
  turn(of: ActionRequest, id: number, to: 'open' | 'closed'): Call | undefined;
  readonly commentPages: number;
  /** Undefined: the request names no issue. */
  commentsPath(of: ActionRequest): string | undefined;
  comments(seen: Seen): readonly Written[] | undefined;
  comment(of: ActionRequest, text: string): Call | undefined;
  deleteComment(of: ActionRequest, id: number): Call | undefined;
}

const answered = { tier: 2, on: 'run', proof: 'answer', first: true } as const;

/** What can be done with issues, alike wherever they are kept. */
export function issueActions(tracker: IssueTracker): Actions {
  const own = (seen: Seen, of: ActionRequest) => marked(tracker.issues(seen), issueMark(of));
  const ownComment = (seen: Seen, of: ActionRequest) => marked(tracker.comments(seen), commentMark(of));
  const { issuePages: pages } = tracker;
  const issues = {
    ...answered,
    ...(pages !== undefined && { pages }),
    reads: (of: ActionRequest) => tracker.issuesPath(of),
  };
  const comments = {
    ...answered,
    pages: tracker.commentPages,
    reads: (of: ActionRequest) => tracker.commentsPath(of),
  };
  const turning = (to: 'open' | 'closed') => ({
    ...issues,
    takes: ['key', 'title', 'body'],
    means(seen: Seen, of: ActionRequest) {
      const issue = own(seen, of);
      return byState(issue ? issue.isOpen === (to === 'open') : undefined);
    },
    unfit: (seen: Seen, of: ActionRequest) => (own(seen, of) === null ? 'QMOI has opened no such issue' : undefined),
    request(of: ActionRequest, seen: Seen | undefined) {
      const issue = seen && own(seen, of);
      return issue ? tracker.turn(of, issue.id, to) : undefined;
    },
  });
  return {
    'open-issue': {
      does: 'opens an issue, unless it has opened that one before',
      ...issues,
      needs: ['title'],
      takes: ['body', 'key'],
      inverse: 'close-issue',
      means: (seen, of) => byState(isThere(own(seen, of))),
      request(of) {
        const issue = issueOf(of);
        return issue && tracker.open(of, issue);
      },
    },
    'close-issue': {
      does: 'closes an issue that QMOI has opened',
      ...turning('closed'),
      inverse: 'reopen-issue',
    },
    'reopen-issue': { does: 'opens an issue of QMOI again', ...turning('open'), inverse: 'close-issue' },
    'comment-issue': {
      does: 'comments on an issue, unless it has said that before',
      ...comments,
      needs: ['issue', 'body'],
      takes: ['key'],
      inverse: 'delete-comment',
      means: (seen, of) => byFinding(isThere(ownComment(seen, of)), seen),
      request(of) {
        const text = commentOf(of);
        return text === undefined ? undefined : tracker.comment(of, text);
      },
    },
    'delete-comment': {
      does: 'deletes a comment that QMOI has made',
      ...comments,
      needs: ['issue'],
      takes: ['key', 'body'],
      inverse: 'comment-issue',
      means(seen, of) {
        const found = isThere(ownComment(seen, of));
        return byFinding(found, seen) === 'unclear' ? 'unclear' : byState(!found);
      },
      request(of, seen) {
        const comment = seen && ownComment(seen, of);
        return comment ? tracker.deleteComment(of, comment.id) : undefined;
      },
    },
  };
}
