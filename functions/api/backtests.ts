import * as z from 'zod/mini';
import { backtest, casesBetween, type Row, type Summary, summarise } from '../../shared/remediation/index.ts';
import { remediationSettings } from '../../shared/runtime/remediation-settings.ts';
import type { Store } from '../../shared/store/index.ts';
import { Problem } from './http.ts';
import type { Operation } from './operations.ts';
import { type JsonSchema, text } from './views.ts';

const DAY_MS = 86_400_000;
/** So many days without a decision are passed over by one request. */
const EMPTY_DAYS = 10;
const MAX_BODY_BYTES = 64 * 1024;

const body = z.strictObject({
  policy: z.prefault(remediationSettings, {}),
  days: z.prefault(z.number().check(z.int(), z.minimum(1), z.maximum(365)), 30),
  cursor: z.optional(z.string().check(z.maxLength(100))),
});

interface Page {
  readonly items: readonly Row[];
  readonly summary: Summary;
  readonly skipped: number;
  readonly nextCursor: string | null;
}

/** Where the next page begins and all of them end: other decisions that come meanwhile shift nothing. */
const cursorOf = (from: number, until: number): string => Buffer.from(`${from}-${until}`).toString('base64url');
function readCursor(cursor: string): { from: number; until: number } {
  const [, from, until] = /^(\d{1,15})-(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (from === undefined || until === undefined) throw new Problem(400, 'The cursor is none of this API.');
  return { from: Number(from), until: Number(until) };
}

/** Pages are whole days, so that no hour, whose actions share a budget, is cut in two. */
async function page(store: Store, { policy, days, cursor }: z.infer<typeof body>): Promise<Page> {
  const now = Date.parse(store.now());
  const first = Math.floor((now - days * DAY_MS) / DAY_MS) * DAY_MS;
  let { from, until } = cursor === undefined ? { from: first, until: now + 1 } : readCursor(cursor);
  for (let day = 0; ; day++) {
    const to = Math.min(from + DAY_MS, until);
    const { rows, skipped } = backtest(await casesBetween(store, from, to), policy);
    const last = to >= until;
    if (last || rows.length + skipped > 0 || day === EMPTY_DAYS) {
      return { items: rows, summary: summarise(rows), skipped, nextCursor: last ? null : cursorOf(to, until) };
    }
    from = to;
  }
}

const count = { type: 'integer' };
const judged = { type: 'object', properties: { verdict: text, rule: text, reason: text } };
const counts = { type: 'object', additionalProperties: count };
const answer: JsonSchema = {
  type: 'object',
  required: ['items', 'summary', 'skipped', 'nextCursor'],
  properties: {
    items: {
      type: 'array',
      description: 'One a decision, in the order of time.',
      items: {
        type: 'object',
        properties: {
          ...{ id: text, repository: text, causes: { type: 'array', items: text }, at: text },
          ...{ was: judged, would: judged },
          helped: { type: 'boolean', description: 'absent: nothing was done, or nobody knows' },
        },
      },
    },
    summary: {
      type: 'object',
      description: 'Of this page.',
      properties: { same: count, changed: count, was: counts, would: counts, moves: counts },
    },
    skipped: { ...count, description: 'asked for by hand, or from before decisions were kept' },
    nextCursor: { type: ['string', 'null'] },
  },
};

export const backtestOperations: readonly Operation[] = [
  {
    method: 'POST',
    path: '/v1/backtests',
    id: 'backtest',
    summary: 'What another policy would have done',
    description:
      'Judges the decisions of the last days again under `policy` (the remediation section of the settings), by the function that took them. A page is a day; send its `nextCursor` as `cursor` for the next one. Nothing is called and nothing is changed.',
    body,
    bodyName: 'BacktestBody',
    bodyHelp: 'The body is an object with a policy, the days (1 to 365), and the cursor of the page before.',
    maxBodyBytes: MAX_BODY_BYTES,
    answers: { 200: { means: 'A day of decisions, each beside what it would be.', schema: answer } },
    problems: [400],
    run: async ({ store, body: given }) => ({ status: 200, body: await page(store, given as z.infer<typeof body>) }),
  },
];
