import * as z from 'zod/mini';
import {
  applyRule,
  asRule,
  type BookRule,
  keepRule,
  MAX_KEPT,
  readBook,
  type Standing,
  type Trial,
  tryRule,
} from '../../shared/rulebook/index.ts';
import { type OwnRule, ownRule } from '../../shared/runtime/diagnosis-settings.ts';
import { Problem } from './http.ts';
import type { Operation, OperationInput } from './operations.ts';
import { type JsonSchema, text, type View } from './views.ts';

/** The rules of diagnosis: what there is, and the master's own. */

const texts = { type: 'array', items: text };
const maybeText = { type: ['string', 'null'] };
const count = { type: 'integer' };
const object = (properties: Record<string, JsonSchema>): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
});

const summary: Record<string, JsonSchema> = {
  id: text,
  by: { enum: ['api', 'settings', 'built-in'], description: 'Who says so, the first having the last word.' },
  category: text,
  transient: { type: ['boolean', 'null'], description: 'Whether a rerun helps.' },
  severity: text,
  tier: { enum: ['decisive', 'cause', 'verdict', 'symptom'], description: 'What wins over what comes behind it.' },
  remedy: text,
  status: {
    enum: ['active', 'demoted'],
    description: '`demoted`: it yields to every other, and explains nothing but what the green log of the job lacks.',
  },
  why: { ...maybeText, description: 'Why it is demoted.' },
  demotedAt: maybeText,
  hits: { ...count, description: 'Failures that it explained.' },
  lastHitAt: maybeText,
  version: { type: ['integer', 'null'], description: 'Null: it was not said through the API.' },
  createdAt: maybeText,
  updatedAt: maybeText,
};
const whole: Record<string, JsonSchema> = {
  ...summary,
  ...{ pattern: text, literals: texts, exclude: maybeText, steps: maybeText, examples: texts, nearMisses: texts },
};

const tried = object({ id: text, platform: text, repository: text, cause: text });
const some = (more: Record<string, JsonSchema> = {}): JsonSchema =>
  object({ count, items: { type: 'array', items: tried }, ...more });
const trialSchema = object({
  accepted: { type: 'boolean', description: 'Whether it would be saved as it is.' },
  problems: { ...texts, description: 'Why it is never saved.' },
  doubts: { ...texts, description: 'Why it is only saved with `force`.' },
  tried: object({ failures: count, greenLogs: count }),
  explains: { ...some(), description: 'Failures of unknown cause that it explains.' },
  changes: { ...some({ causes: texts }), description: 'Failures that would get another cause.' },
  yields: { ...count, description: 'Failures that it matches, and another rule explains better.' },
  green: { ...texts, description: 'Lines of jobs that succeeded.' },
});

const standingOf = ({ hits = 0, lastHitAt, demotedAt, automations = [] }: Partial<Standing> = {}): View => {
  const where = `${automations.length} automations, as ${automations.slice(0, 5).join(', ')}`;
  return {
    status: demotedAt === undefined ? 'active' : 'demoted',
    why: demotedAt === undefined ? null : `It matches in green logs of ${where}.`,
    ...{ demotedAt: demotedAt ?? null, hits, lastHitAt: lastHitAt ?? null },
  };
};

const summaryOf = ({ rule, by, version, createdAt, updatedAt, standing }: BookRule): View => {
  const { id, category, transient, severity, tier, remedy } = rule;
  return {
    ...{ id, by, category, transient, severity, tier, remedy, ...standingOf(standing), version: version ?? null },
    ...{ createdAt: createdAt ?? null, updatedAt: updatedAt ?? null },
  };
};
const viewOf = (known: BookRule): View => {
  const { pattern, literals, exclude, steps, examples, nearMisses } = known.rule;
  return {
    ...summaryOf(known),
    ...{ pattern, literals, exclude: exclude ?? null, steps: steps ?? null, examples, nearMisses },
  };
};

const appliedSchema = object({
  diagnosed: { ...count, description: 'Failures of unknown cause that now have this one.' },
  left: { ...count, description: 'Those that another call would get to.' },
  incidents: { ...texts, description: 'The open incidents that they are in now.' },
});

const body = z.extend(ownRule, { force: z.optional(z.boolean()) });
const bodyHelp =
  'The body is a rule: category, pattern (RE2), literals (of which every matching line has one), remedy and examples, optionally transient, severity, tier, exclude, steps, nearMisses; and force.';

async function trialOf({ store, declared, id, body }: OperationInput): Promise<{ own: OwnRule; trial: Trial }> {
  const { force: _, ...own } = body as z.infer<typeof ownRule> & { force?: boolean };
  return { own, trial: await tryRule(store, await readBook(store, declared), asRule(id, own)) };
}

const path = '/v1/rules/{id}';

export const ruleOperations: readonly Operation[] = [
  {
    ...{ method: 'GET', path: '/v1/rules', id: 'list-rules', problems: [] },
    summary: 'The rules of diagnosis in the order of their precedence',
    answers: {
      200: {
        means: 'All of them.',
        schema: object({ items: { type: 'array', items: object(summary) }, nextCursor: maybeText }),
      },
    },
    async run({ store, declared }) {
      const { all } = await readBook(store, declared);
      return { status: 200, body: { items: all.map(summaryOf), nextCursor: null } };
    },
  },
  {
    ...{ method: 'GET', path, id: 'get-rule', problems: [404] },
    summary: 'One of them: rule',
    answers: { 200: { means: 'The rule.', schema: object(whole) } },
    async run({ store, declared, id }) {
      const known = (await readBook(store, declared)).all.find(({ rule }) => rule.id === id);
      if (known === undefined) throw new Problem(404, 'There is no such rule.');
      return { status: 200, body: viewOf(known) };
    },
  },
  {
    ...{ method: 'POST', path: '/v1/rules/{id}/try', id: 'try-rule', problems: [400] },
    summary: 'See what a rule would do, without saving it',
    description: 'It is held against its own examples, the newest stored failures, and what jobs print that succeed.',
    ...{ body, bodyName: 'RuleBody', bodyHelp },
    answers: { 200: { means: 'What came of it.', schema: trialSchema } },
    run: async (input) => ({ status: 200, body: (await trialOf(input)).trial }),
  },
  {
    ...{ method: 'PUT', path, id: 'set-rule', problems: [400, 409] },
    summary: 'Say a rule of your own',
    description:
      'It is tried first, and refused where it matches what jobs print that succeed, misses its own examples, is too slow, or (without `force`) takes failures of many causes. Holds within a minute, before every built-in rule of its tier; one with the id of a built-in rule takes its place.',
    ...{ body, bodyName: 'RuleBody', bodyHelp },
    answers: { 200: { means: 'It holds.', schema: object({ rule: object(whole), trial: trialSchema }) } },
    async run(input) {
      const { store, declared, id, body } = input;
      const { own, trial } = await trialOf(input);
      const force = (body as { force?: boolean }).force === true;
      const against = [...trial.problems, ...(force ? [] : trial.doubts)];
      // What the rule itself says wrong is a wrong body; what speaks against it is not.
      if (against.length > 0)
        throw new Problem(
          trial.tried.failures + trial.tried.greenLogs > 0 ? 409 : 400,
          against.join(' ').slice(0, 2000),
        );
      const { all } = await readBook(store, declared);
      const said = all.filter(({ by }) => by === 'api');
      if (said.length >= MAX_KEPT && !said.some(({ rule }) => rule.id === id)) {
        throw new Problem(409, `There are ${MAX_KEPT} rules of your own, and no room for more.`);
      }
      const kept = await keepRule(store, id, asRule(id, own));
      if (kept === undefined) throw new Problem(409, 'Somebody else was faster.');
      return { status: 200, body: { rule: viewOf({ ...kept, by: 'api' }), trial } };
    },
  },
  {
    ...{ method: 'POST', path: '/v1/rules/{id}/apply', id: 'apply-rule', problems: [404] },
    summary: 'Diagnose stored failures of unknown cause by a rule',
    description:
      'Of the newest 600 failures, 50 a call. Their open incidents become the one that later failures of that cause go to. Nothing is done about them.',
    answers: { 200: { means: 'What came of it.', schema: appliedSchema } },
    async run({ store, declared, id }) {
      const book = await readBook(store, declared);
      const known = book.all.find(({ rule }) => rule.id === id);
      if (known === undefined) throw new Problem(404, 'There is no such rule.');
      return { status: 200, body: await applyRule(store, book, known.rule) };
    },
  },
  {
    ...{ method: 'DELETE', path, id: 'remove-rule', problems: [404, 409] },
    summary: 'Take a rule back that was said here',
    description: 'What the settings or the built-in rules say under that id, if anything, holds again.',
    answers: { 200: { means: 'It is gone.', schema: object({ id: text, removed: { const: true } }) } },
    async run({ store, declared, id }) {
      const known = (await readBook(store, declared)).all.find(({ rule }) => rule.id === id);
      if (known === undefined) throw new Problem(404, 'There is no such rule.');
      if (known.by !== 'api')
        throw new Problem(409, `That rule is ${known.by === 'settings' ? 'in the settings' : 'built in'}.`);
      if ((await keepRule(store, id, undefined)) === undefined) throw new Problem(409, 'Somebody else was faster.');
      return { status: 200, body: { id, removed: true } };
    },
  },
];
