import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import type { Remediation } from '../model/index.ts';
import type { ReadParameters } from '../platforms/port.ts';
import type { Store } from '../store/index.ts';

/**
 * The master's word on a fix that waits for it: by the API, or by a link in a message. A link carries the right to answer
 * one question; it is signed, ends with the question, and is of no use once the question is answered.
 */

export type Answer = 'approve' | 'refuse';
/** What an answer came to. `late`: the time is up; `answered`: somebody did already. */
export type Answered = { readonly kind: 'done' | 'late' | 'answered' | 'not-asked'; readonly fix: Remediation };

/** The first signs; the second counts during a rotation. */
const SECRETS = ['master-token', 'master-token-previous'] as const;
const MAX_TOKEN = 2_000;

const claims = z.strictObject({
  id: z.string(),
  /** When the question was put: another one of the same fix is another question. */
  asked: z.string(),
  until: z.string(),
});
export type ApprovalClaims = z.infer<typeof claims>;

/** The master's token never signs itself, so that a link tells nothing of it. */
const keyOf = (secret: string): Buffer => createHmac('sha256', secret).update('qmoi approval links, 1').digest();
const sign = (secret: string, payload: string): Buffer => createHmac('sha256', keyOf(secret)).update(payload).digest();

/** The last part of a link's path; undefined: nothing is asked, or there is nothing to sign with. */
export async function approvalToken(fix: Remediation, read: ReadParameters): Promise<string | undefined> {
  const secret = (await read(SECRETS))['master-token'];
  if (!secret || fix.status !== 'awaiting-approval' || fix.approvalUntil === undefined) return undefined;
  const { id, statusAt: asked, approvalUntil: until } = fix;
  const payload = Buffer.from(JSON.stringify({ id, asked, until } satisfies ApprovalClaims)).toString('base64url');
  return `${payload}.${sign(secret, payload).toString('base64url')}`;
}

/** What a token stands for; undefined: it was not made here. */
export async function readApprovalToken(token: string, read: ReadParameters): Promise<ApprovalClaims | undefined> {
  const [payload = '', signature = '', ...rest] = token.length > MAX_TOKEN ? [] : token.split('.');
  if (payload === '' || rest.length > 0) return undefined;
  const given = Buffer.from(signature, 'base64url');
  const known = await read(SECRETS);
  // All are tried, so that the time does not tell which one fitted.
  const fits = SECRETS.map((name) => {
    const secret = known[name];
    const wanted = sign(secret ?? '', payload);
    return given.length === wanted.length && timingSafeEqual(given, wanted) && !!secret;
  });
  if (!fits.includes(true)) return undefined;
  const parsed = claims.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
  return parsed.success ? parsed.data : undefined;
}

/** Whether a fix waits for just this answer. */
export function standing(fix: Remediation, now: number, asked?: string): Answered['kind'] | 'waits' {
  if (asked !== undefined && fix.status === 'awaiting-approval' && fix.statusAt !== asked) return 'answered';
  if (fix.approvedAt !== undefined || fix.status === 'refused') return 'answered';
  if (fix.status !== 'awaiting-approval')
    return fix.approvalUntil === undefined && asked === undefined ? 'not-asked' : 'late';
  return now < Date.parse(fix.approvalUntil ?? fix.statusAt) ? 'waits' : 'late';
}

/**
 * Writes the master's answer. An approval is carried out by whoever hears of it, after everything has been judged anew.
 * Undefined: there is no such fix.
 */
export async function answerApproval(
  store: Store,
  id: string,
  word: { answer: Answer; by: string; asked?: string | undefined; reason?: string | undefined },
): Promise<Answered | undefined> {
  const now = store.now();
  let kind: Answered['kind'] = 'answered';
  const { after } = await store.change('remediation', id, (fix) => {
    if (fix === undefined || fix.id !== id) return undefined;
    const stands = standing(fix, Date.parse(now), word.asked);
    kind = stands === 'waits' ? 'done' : stands;
    if (stands !== 'waits') return undefined;
    if (word.answer === 'approve') return { ...fix, approvedAt: now, approvedBy: word.by };
    const { wakeAt: _, approvalUntil: __, ...rest } = fix;
    const why = word.reason ? `: ${word.reason}` : '';
    return { ...rest, status: 'refused', statusAt: now, reason: `the master refused it${why}` };
  });
  return after === undefined || after.id !== id ? undefined : { kind, fix: after };
}
