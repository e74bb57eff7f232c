import * as z from 'zod/mini';
import type { Automation } from '../../shared/model/index.ts';
import { type CategoryRule, categoryRules } from '../../shared/runtime/automation-settings.ts';
import type { ListQuery, Store } from '../../shared/store/index.ts';
import { type Policy, readPolicy, sayCategories, settleAll } from '../../shared/tracking/index.ts';
import type { Operation } from './operations.ts';
import { type JsonSchema, text, type View } from './views.ts';

/** What automations are for, and which of them are one. */

export const AUTOMATION_EXTRAS: Readonly<Record<string, JsonSchema>> = {
  mirrors: {
    type: 'array',
    description: 'The same automation on other platforms, which lists show only here.',
    items: {
      type: 'object',
      properties: {
        ...{ id: text, platform: text, repository: text, name: { type: ['string', 'null'] } },
        ...{ status: text, statusAt: text },
      },
      required: ['id', 'platform', 'repository', 'name', 'status', 'statusAt'],
    },
  },
};

/** What mirrors another automation is shown with that one, unless it is asked for. */
export const withoutMirrors = (query: ListQuery): ListQuery =>
  query.filters.mirrorOf === undefined ? { ...query, filters: { ...query.filters, mirrorOf: ['null'] } } : query;

export async function addMirrors(
  store: Store,
  automations: readonly Automation[],
  views: readonly View[],
): Promise<void> {
  const ids = [...new Set(automations.flatMap(({ mirrors = [] }) => mirrors))];
  const known = ids.length === 0 ? new Map() : await store.getMany(ids.map((id) => ({ entity: 'automation', id })));
  for (const [index, { mirrors = [] }] of automations.entries()) {
    const found = mirrors.flatMap((id) => (known.get(`automation ${id}`) as Automation | null | undefined) ?? []);
    const view = views[index];
    if (view === undefined) continue;
    view.mirrors = found.map(({ id, platform, repository, name, status, statusAt }) => ({
      ...{ id, platform, repository, name: name ?? null, status, statusAt },
    }));
  }
}

const categoriesBody = z.strictObject({ rules: categoryRules });
const policySchema: JsonSchema = {
  type: 'object',
  properties: {
    rules: { ...z.toJSONSchema(categoryRules), $schema: undefined },
    by: { enum: ['api', 'settings', 'default'], description: 'Who said so.' },
    version: { type: 'integer' },
  },
  required: ['rules', 'by', 'version'],
};
const viewOf = ({ categories, by, version }: Policy): View => ({ rules: categories, by, version });

async function say(store: Store, rules: readonly CategoryRule[] | undefined): Promise<View> {
  const policy = await sayCategories(store, rules);
  await settleAll(store);
  return viewOf(policy);
}

const path = '/v1/policies/categories';
const problems = [] as const;

export const automationOperations: readonly Operation[] = [
  {
    ...{ method: 'GET', path, problems },
    id: 'get-categories',
    summary: 'What automations are for, by which rules',
    answers: { 200: { means: 'The rules in their order.', schema: policySchema } },
    run: async ({ store }) => ({ status: 200, body: viewOf(await readPolicy(store)) }),
  },
  {
    ...{ method: 'PUT', path, problems },
    id: 'set-categories',
    summary: 'Say what automations are for',
    description:
      'The first rule that fits an automation gives it its category. A rule may name platform, repository, name (of the workflow), branch and environment, each one text or several, with `*` for any text; all that it names have to fit. Holds for every automation at once, before the settings.',
    body: categoriesBody,
    bodyName: 'CategoriesBody',
    answers: { 200: { means: 'The rules as they hold now.', schema: policySchema } },
    run: async ({ store, body }) => ({
      status: 200,
      body: await say(store, (body as z.infer<typeof categoriesBody>).rules),
    }),
  },
  {
    ...{ method: 'DELETE', path, problems },
    id: 'reset-categories',
    summary: 'Let the settings say again what automations are for',
    answers: { 200: { means: 'The rules as they hold now.', schema: policySchema } },
    run: async ({ store }) => ({ status: 200, body: await say(store, undefined) }),
  },
];
