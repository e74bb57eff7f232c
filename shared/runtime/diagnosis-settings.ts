import * as z from 'zod/mini';
import { CATEGORIES, SEVERITIES } from '../model/trouble.ts';

/** What the master adds to the rules of diagnosis: the `diagnosis` section of the settings, and what the API takes. */

const text = (max: number, min = 1) => z.string().check(z.minLength(min), z.maxLength(max));
const line = text(500);

/** `shared/diagnosis` says what the fields mean. Patterns are RE2, and have limits of their own there. */
export const ownRule = z.strictObject({
  category: z.enum(CATEGORIES).check(z.refine((category) => category !== 'unknown', 'a rule knows its category')),
  /** Does a rerun plausibly fix it? null: nobody knows. */
  transient: z.prefault(z.nullable(z.boolean()), null),
  severity: z.prefault(z.enum(SEVERITIES), 'medium'),
  tier: z.prefault(z.enum(['decisive', 'cause', 'verdict', 'symptom']), 'cause'),
  remedy: text(1000),
  pattern: text(2000),
  /** At least one of them is in every line that the pattern matches, in any case. */
  literals: z.array(text(100, 3)).check(z.minLength(1), z.maxLength(20)),
  exclude: z.optional(text(2000)),
  steps: z.optional(text(500)),
  examples: z.array(line).check(z.minLength(1), z.maxLength(10)),
  nearMisses: z.prefault(z.array(line).check(z.maxLength(10)), []),
});
export type OwnRule = z.infer<typeof ownRule>;

export const RULE_ID = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const ruleId = z.string().check(z.maxLength(64), z.regex(RULE_ID, 'the id of a rule is in kebab-case'));

export const diagnosisSettings = z.strictObject({
  /** By their ids. They come before the built-in ones, and take the place of those that have the same id. */
  rules: z.prefault(z.record(ruleId, ownRule), {}),
});
export type DiagnosisSettings = z.infer<typeof diagnosisSettings>;
