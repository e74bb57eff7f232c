import { readGuards } from '../../shared/remediation/index.ts';
import type { Operation } from './operations.ts';
import { viewOf, viewSchema } from './views.ts';

export const guardOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: '/v1/guards',
    id: 'list-guards',
    summary: 'What QMOI keeps as it is for a time',
    description:
      'Fixes that last until `lastsUntil` and are taken back then: a runner that takes no jobs for a day. Next to end first. `POST /v1/remediations/{id}/rollback` ends one at once.',
    answers: {
      200: {
        means: 'The fixes, as /v1/remediations shows them.',
        schema: {
          type: 'object',
          required: ['items'],
          properties: { items: { type: 'array', items: viewSchema('remediation') } },
        },
      },
    },
    problems: [],
    async run({ store }) {
      return { status: 200, body: { items: (await readGuards(store)).map((fix) => viewOf('remediation', fix)) } };
    },
  },
];
