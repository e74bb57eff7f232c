import * as z from 'zod/mini';
import { PURPOSES } from '../model/automation.ts';

const MAX_RULES = 50;
const MAX_PATTERNS = 20;
const pattern = z.string().check(z.minLength(1), z.maxLength(200));
const patterns = z.optional(z.union([pattern, z.array(pattern).check(z.minLength(1), z.maxLength(MAX_PATTERNS))]));

/** Every condition that a rule names has to hold. `*` stands for any text; case does not matter. */
export const categoryRule = z.strictObject({
  category: z.enum(PURPOSES),
  platform: patterns,
  repository: patterns,
  /** Of the workflow or pipeline. */
  name: patterns,
  /** One that one of its remembered runs was on, or deployed to. */
  branch: patterns,
  environment: patterns,
});
export type CategoryRule = z.infer<typeof categoryRule>;
export const categoryRules = z.array(categoryRule).check(z.maxLength(MAX_RULES));

/** The first rule that fits says what an automation is for. */
export const DEFAULT_CATEGORIES: readonly CategoryRule[] = [
  { category: 'deployment', name: ['*deploy*', '*release*', '*publish*'] },
  { category: 'monitoring', name: ['*monitor*', '*health*', '*uptime*', '*smoke*', '*backup*'] },
  { category: 'evolution', name: ['*dependabot*', '*renovate*', '*update*', '*upgrade*', '*train*'] },
  { category: 'deployment', environment: '*' },
  { category: 'testing' },
];

/** `github:owner/name` or, of a single workflow of it, `github:owner/name#workflow`. */
const reference = z
  .string()
  .check(
    z.maxLength(300),
    z.regex(
      /^[a-z][a-z0-9-]*:[^\s#/]+(?:\/[^\s#/]+)*(?:#.+)?$/,
      'an automation is <platform>:<repository>[#<workflow>]',
    ),
  );

const text = z.string().check(z.minLength(1), z.maxLength(100));

/** When automations of a platform should run. What a cron or a duration is, synth sees to. */
const scheduleRule = z.strictObject({
  platform: patterns,
  repository: patterns,
  name: patterns,
  cron: z.optional(text),
  zone: z.optional(text),
  every: z.optional(z.union([text, z.number().check(z.int(), z.positive())])),
  grace: z.optional(z.union([text, z.number().check(z.int(), z.positive())])),
});

export const automationSettings = z.strictObject({
  categories: z.prefault(categoryRules, [...DEFAULT_CATEGORIES]),
  /** The first that fits says when an automation should run; where none does, its habit tells. */
  schedules: z.prefault(z.array(scheduleRule).check(z.maxLength(MAX_RULES)), []),
  /** Automations that are one and the same on several platforms. */
  mirrors: z.prefault(z.array(z.array(reference).check(z.minLength(2), z.maxLength(5))).check(z.maxLength(200)), []),
});
export type AutomationSettings = z.infer<typeof automationSettings>;
