import type { ActionRequest, LookUp } from '../../../../shared/platforms/index.ts';
import { commentMark, issueMark } from '../../../../shared/platforms/issues.ts';
import type { Shown } from '../../../../shared/platforms/port.ts';

/** One action, as its platform's API sees it. Whoever adds an action adds a row. */
export interface ActionRow {
  readonly platform: string;
  readonly action: string;
  readonly parameters?: NonNullable<ActionRequest['parameters']>;
  /** Where it is about something else than the other rows of its platform. */
  readonly request?: Partial<ActionRequest>;
  /** The one request that changes something. */
  readonly sent: {
    readonly method: string;
    readonly url: string;
    readonly body?: unknown;
    /** Of an API that names its operations in a header. */
    readonly target?: string;
  };
  /** Where it is looked up, and what is found there means. Absent: it is not, and that is what it says. */
  readonly at?: string | NonNullable<ActionRow['sent']>;
  readonly found: readonly (readonly [answer: unknown, LookUp])[];
  readonly always?: LookUp;
  /** What is read when it is asked what came of it, and what that shows. Absent: nothing that is read does. */
  readonly shows?: readonly (readonly [answer: unknown, shown: Shown['status'] | undefined, made?: string])[];
  /** What is read before it acts. Absent: nothing is. */
  readonly before?: {
    readonly ready: unknown;
    readonly already?: unknown;
    readonly unfit?: readonly unknown[];
  };
  /** What is read is not there any more once it has happened. */
  readonly removes?: true;
  /** The name of a parameter that it does not act without. */
  readonly without?: string;
}

/** The request that all rows are about, but for their parameters. */
type Asked = Pick<ActionRow, 'platform' | 'action' | 'parameters' | 'request'>;
export function requestOf({ platform, action, parameters, request: other }: Asked) {
  const ids: Record<string, Pick<ActionRequest, 'repository' | 'repositoryId' | 'externalId' | 'runId'>> = {
    vercel: { repository: 'acme/shop', repositoryId: 'team_a/prj_1', externalId: 'dpl_9', runId: 'vercel:dpl_9:1' },
    huggingface: { repository: 'acme/demo', repositoryId: 'acme/demo', externalId: 'acme/demo@abc', runId: 'hf:1:1' },
  };
  const common = { repository: 'acme/shop', repositoryId: '7', externalId: '9', runId: `${platform}:5:1` };
  const request: ActionRequest = {
    ...{ action, attempt: 1, parameters, since: SINCE, subject: `${platform}:5:job:9` },
    ...(ids[platform] ?? common),
    ...other,
  };
  return request;
}

/** What every look-up may come across: an answer of another shape. */
export const unclear = [{}, 'unclear'] as const;

export const SINCE = '2026-03-04T05:06:07.000Z';

export const issue = { title: 'A runner is broken', body: 'It is out of disk.', key: 'incident-1' };
export const comment = { issue: '12', body: 'It happened again.', key: 'run-5' };
/** As they are found again: the same for each platform, as the marks are made of the request. */
export const markOfIssue = issueMark(requestOf({ platform: 'github', action: 'open-issue', parameters: issue }));
export const markOfComment = commentMark(
  requestOf({ platform: 'github', action: 'comment-issue', parameters: comment }),
);
export const issueText = `${issue.body}\n\n${markOfIssue}\n`;
export const commentText = `${comment.body}\n\n${markOfComment}\n`;
