import {
  GUARD_KINDS,
  GUARD_STATUSES,
  type Guard,
  liftGuard,
  preventedBy,
  readGuard,
  readGuards,
} from '../../shared/remediation/index.ts';
import { Problem } from './http.ts';
import type { Operation } from './operations.ts';
import { type JsonSchema, orNull, text, time } from './views.ts';

const count = {
  type: 'object',
  properties: { failed: { type: 'integer' }, of: { type: 'integer' } },
  required: ['failed', 'of'],
};
const properties = {
  id: text,
  kind: { type: 'string', enum: GUARD_KINDS },
  status: {
    type: 'string',
    enum: GUARD_STATUSES,
    description:
      '`lifting`: being taken back. `lifted`: by the master, and not put in force again before `lastsUntil`.',
  },
  platform: orNull(text),
  repository: orNull(text),
  subject: { ...text, description: 'What it is about: a machine, a workflow, what is failing everywhere.' },
  reason: text,
  createdAt: time,
  lastsUntil: time,
  remediationId: { ...orNull(text), description: 'The fix that put it in force.' },
  evidence: {
    type: 'object',
    properties: {
      incidentIds: { type: 'array', items: text },
      before: { ...orNull(count), description: 'What it is against, as it went before.' },
      otherwise: { ...orNull(count), description: 'What that is compared with.' },
    },
    required: ['incidentIds', 'before', 'otherwise'],
  },
  hits: { ...orNull({ type: 'integer' }), description: 'How often it had its say; null: that cannot be counted.' },
  chance: { ...orNull({ type: 'number' }), description: 'Of a hit, to have been a failure without it.' },
  prevented: {
    ...orNull({ type: 'number' }),
    description: 'Failures that it is likely to have spared: hits × chance.',
  },
};
const MISSING = 'There is no such guard.';
const schema: JsonSchema = { type: 'object', properties, required: Object.keys(properties) };

function view(guard: Guard): Record<string, unknown> {
  const { incidentIds, before = null, otherwise = null } = guard.evidence;
  const told: Record<string, unknown> = {
    ...guard,
    evidence: { incidentIds, before, otherwise },
    prevented: preventedBy(guard),
  };
  return Object.fromEntries(Object.keys(properties).map((name) => [name, told[name] ?? null]));
}

export const guardOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: '/v1/guards',
    id: 'list-guards',
    summary: 'What QMOI keeps from failing again',
    description:
      'What was learned, in force for a time: what it rests on, how often it had its say, and how many failures that is likely to have spared. Next to end first.',
    answers: {
      200: {
        means: 'Those in force, and those that the master has lifted before their time.',
        schema: { type: 'object', required: ['items'], properties: { items: { type: 'array', items: schema } } },
      },
    },
    problems: [],
    async run({ store }) {
      return { status: 200, body: { items: (await readGuards(store)).map(view) } };
    },
  },
  {
    method: 'GET',
    path: '/v1/guards/{id}',
    id: 'get-guard',
    summary: 'One guard',
    answers: { 200: { means: 'The guard.', schema } },
    problems: [404],
    async run({ store, id }) {
      const guard = await readGuard(store, id);
      if (guard === undefined) throw new Problem(404, MISSING);
      return { status: 200, body: view(guard) };
    },
  },
  {
    method: 'DELETE',
    path: '/v1/guards/{id}',
    id: 'lift-guard',
    summary: 'Lift a guard before its time',
    description:
      'What it changed is taken back, what it held is judged anew, and QMOI does not put it in force again before its time would have been up.',
    answers: { 200: { means: 'The guard, which is lifted, or being taken back.', schema } },
    problems: [404, 409],
    async run({ store, id }) {
      const lifted = await liftGuard(store, id, 'master');
      if (lifted === undefined) throw new Problem(404, MISSING);
      if ('refused' in lifted) throw new Problem(409, lifted.refused);
      return { status: 200, body: view(lifted.guard) };
    },
  },
];
