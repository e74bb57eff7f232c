import * as z from 'zod/mini';
import { type ActionTraits, markOf, parameter } from './action.ts';
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
export const marked = <T>(items: readonly T[] | undefined, mark: string, textOf: (item: T) => string) =>
  items && (items.find((item) => textOf(item).includes(mark)) ?? null);

export const isThere = (found: object | null | undefined): boolean | undefined =>
  found === undefined ? undefined : found !== null;

export const textOrNothing = z.pipe(
  z.nullish(z.string()),
  z.transform((told) => told ?? ''),
);

const answered = { tier: 2, on: 'run', proof: 'answer' } as const;

export const issueTraits = {
  'open-issue': {
    does: 'opens an issue, unless it has opened that one before',
    ...answered,
    needs: ['title'],
    takes: ['body', 'key'],
    inverse: 'close-issue',
  },
  'close-issue': {
    does: 'closes an issue that QMOI has opened',
    ...answered,
    takes: ['key', 'title', 'body'],
    inverse: 'reopen-issue',
  },
  'reopen-issue': {
    does: 'opens an issue of QMOI again',
    ...answered,
    takes: ['key', 'title', 'body'],
    inverse: 'close-issue',
  },
  'comment-issue': {
    does: 'comments on an issue, unless it has said that before',
    ...answered,
    needs: ['issue', 'body'],
    takes: ['key'],
    inverse: 'delete-comment',
  },
  'delete-comment': {
    does: 'deletes a comment that QMOI has made',
    ...answered,
    needs: ['issue'],
    takes: ['key', 'body'],
    inverse: 'comment-issue',
  },
} as const satisfies Record<string, ActionTraits>;
