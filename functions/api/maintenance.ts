import { openWindows, type Window } from '../../shared/maintenance/index.ts';
import type { Operation } from './operations.ts';
import { type JsonSchema, orNull, text, time } from './views.ts';

const COVERS = ['platform', 'repository', 'environment', 'runner'] as const;
const properties = {
  ...{ id: text, reason: text, openedAt: time, until: time },
  runId: { ...orNull(text), description: 'The deployment whose end is its end.' },
  ...Object.fromEntries(COVERS.map((name) => [name, orNull(text)])),
};
const schema: JsonSchema = { type: 'object', properties, required: Object.keys(properties) };

const view = ({ key: id, reason, openedAt, until, runId, covers }: Window): Record<string, unknown> => ({
  ...{ id, reason, openedAt, until, runId: runId ?? null },
  ...Object.fromEntries(COVERS.map((name) => [name, covers[name] ?? null])),
});

export const maintenanceOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: '/v1/maintenance',
    id: 'list-maintenance',
    summary: 'What is being worked on at present',
    description:
      'The windows of maintenance that events have opened; fixes of what lies in one are held until it ends. What a window does not name does not matter to it. Those of the settings are not among them.',
    answers: {
      200: {
        means: 'Those that are open; the one that ends last comes first.',
        schema: { type: 'object', required: ['items'], properties: { items: { type: 'array', items: schema } } },
      },
    },
    problems: [],
    async run({ store }) {
      return { status: 200, body: { items: (await openWindows(store)).map(view) } };
    },
  },
];
