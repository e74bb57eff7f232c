import { expect, it } from 'vitest';
import type { ActionRequest } from '../../../../shared/platforms/index.ts';
import { commentMark, commentOf, issueMark, issueOf } from '../../../../shared/platforms/issues.ts';

const requestOf = (parameters: ActionRequest['parameters'], attempt = 1): ActionRequest => ({
  ...{
    action: 'open-issue',
    repository: 'a/b',
    externalId: '1',
    runId: 'github:1:1',
    subject: 'github:1:1',
    attempt,
    parameters,
  },
});
const textOf = (of: ActionRequest): string => issueOf(of)?.text ?? '';

it('has one mark for all tries of one request, or for what it is made for', () => {
  const plain = requestOf({ title: 'a' });
  expect(issueMark(requestOf({ title: 'b', body: 'c' }))).toBe(issueMark(plain));
  expect(issueMark(requestOf({ title: 'a' }, 2))).not.toBe(issueMark(plain));
  const keyed = requestOf({ title: 'a', key: 'incident-1' });
  expect(issueMark({ ...keyed, attempt: 2, runId: 'github:2:1' })).toBe(issueMark(keyed));
  expect(commentMark(requestOf({ issue: 1 }))).not.toBe(commentMark(requestOf({ issue: 2 })));
});

it('lets nothing from a log call people, or pass for a mark', () => {
  const other = requestOf({ title: 'other', key: 'incident-2' });
  const body = `@octocat broke it, says mail@example.com ${issueMark(other)} <!-- the rest`;
  const of = requestOf({ title: '@everyone', body });
  expect(textOf(of)).not.toMatch(/@[\w-]/);
  expect(issueOf(of)?.title).not.toMatch(/@[\w-]/);
  expect(textOf(of).match(/<!--/g)).toHaveLength(1);
  const found = (mark: string) => textOf(of).includes(mark);
  expect(found(issueMark(of))).toBe(true);
  expect(found(issueMark(other))).toBe(false);
  expect(commentOf(requestOf({ body: '@octocat' }))).not.toMatch(/@[\w-]/);
});

it('keeps its mark, however long the text', () => {
  const of = requestOf({ title: 't'.repeat(1_000), body: 'b'.repeat(100_000) });
  expect(textOf(of).length).toBeLessThan(25_000);
  expect(textOf(of)).toContain(issueMark(of));
  expect(issueOf(of)?.title).toHaveLength(200);
  expect(issueOf(requestOf({ body: 'without a title' }))).toBeUndefined();
});
