import * as z from 'zod/mini';
import { mergeIncidents, RegroupRefused, type Selection, splitIncident } from '../../shared/incidents/index.ts';
import type { Incident } from '../../shared/model/index.ts';
import type { Store } from '../../shared/store/index.ts';
import { Problem } from './http.ts';
import type { Operation } from './operations.ts';
import { find, type Resource, resources } from './resources.ts';

const MAX_IDS = 100;
const text = z.string().check(z.minLength(1), z.maxLength(500));

const mergeBody = z.strictObject({ into: text });
const splitBody = z.union([
  z.strictObject({ failureIds: z.array(text).check(z.minLength(1), z.maxLength(MAX_IDS)) }),
  z.strictObject({ fingerprint: text }),
  z.strictObject({ repository: text }),
]);

/** The incident that came of it, or the problem that it is. */
async function regroup(store: Store, work: Promise<Incident | undefined>): Promise<{ status: number; body: unknown }> {
  try {
    const incident = await work;
    if (incident === undefined) throw new Problem(404, 'There is no such incident.');
    return { status: 200, body: await find(store, resources.incidents as Resource, incident.id) };
  } catch (error) {
    if (error instanceof RegroupRefused) throw new Problem(409, error.message);
    throw error;
  }
}

export const incidentOperations: readonly Operation[] = [
  {
    method: 'POST',
    path: '/v1/incidents/{id}/merge',
    id: 'merge-incident',
    summary: 'Make two incidents one',
    description:
      'The failures of this incident belong to the other from now on, and so does whatever comes with its fingerprint. This one is resolved, with `mergedInto`; ids stay as they are. Asked again, it does what is left to do.',
    body: mergeBody,
    bodyName: 'MergeBody',
    bodyHelp: 'The body is an object with the id of the incident to merge this one `into`.',
    answers: { 200: { means: 'The incident that has them all.', schema: { item: 'incidents' } } },
    problems: [404, 409],
    run: ({ store, id, body }) => regroup(store, mergeIncidents(store, id, (body as z.infer<typeof mergeBody>).into)),
  },
  {
    method: 'POST',
    path: '/v1/incidents/{id}/split',
    id: 'split-incident',
    summary: 'Take failures out of an incident into one of their own',
    description:
      'By `failureIds`, by `fingerprint` (which takes a merge back) or by `repository`, as `<platform>/<repository>`; what comes later with that fingerprint or from that repository follows. The new incident has `splitFrom`; the same split again finds it.',
    body: splitBody,
    bodyName: 'SplitBody',
    bodyHelp: `The body is an object with either failureIds (at most ${MAX_IDS}), fingerprint or repository.`,
    answers: { 200: { means: 'The incident that has them now.', schema: { item: 'incidents' } } },
    problems: [404, 409],
    run: ({ store, id, body }) => regroup(store, splitIncident(store, id, body as Selection)),
  },
];
