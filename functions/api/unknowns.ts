import type { Failure } from '../../shared/model/index.ts';
import { unknownClusters } from '../../shared/rulebook/index.ts';
import { listEntities, type Store } from '../../shared/store/index.ts';
import type { Operation } from './operations.ts';
import { type JsonSchema, text, type View } from './views.ts';

/** What no rule explains: how much of it there is, and what it looks like. */

/** The newest failures, of which the share is told. */
const NEWEST = 200;
const SHOWN = 50;

const count = { type: 'integer' };
const object = (properties: Record<string, JsonSchema>): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
});
const schema = object({
  share: {
    ...object({ diagnosed: count, unknown: count, withoutLog: count, unknownShare: { type: ['number', 'null'] } }),
    description: `Of the newest ${NEWEST} failures. What has no log is not counted as unknown.`,
  },
  items: {
    type: 'array',
    items: object({
      id: text,
      template: { ...text, description: 'The line that tells most, with `<*>` for what differs.' },
      count,
      firstSeenAt: text,
      lastSeenAt: text,
      repositories: { type: 'array', items: text, description: '`<platform>/<repository>`, ten at most.' },
      failures: { type: 'array', items: text, description: 'Ids of the newest ones, twenty at most.' },
      example: { type: ['string', 'null'], description: 'The excerpt of the newest one.' },
    }),
  },
  nextCursor: { type: ['string', 'null'] },
});

async function shareOf(store: Store): Promise<View> {
  const query = { filters: { status: ['diagnosed'] }, limit: NEWEST };
  const items: Failure[] = (await listEntities(store, 'failure', query)).items;
  const of = (cause: string): number => items.filter((failure) => failure.cause === cause).length;
  const [unknown, withoutLog] = [of('unknown'), of('log-unavailable')];
  const read = items.length - withoutLog;
  return { diagnosed: items.length, unknown, withoutLog, unknownShare: read === 0 ? null : unknown / read };
}

export const unknownOperations: readonly Operation[] = [
  {
    ...{ method: 'GET', path: '/v1/unknowns', id: 'list-unknowns', problems: [] },
    summary: 'Failures that no rule explains, by what they look like',
    description: `The ${SHOWN} largest clusters of the last 30 days, the largest first: the next rules to write.`,
    answers: { 200: { means: 'The clusters, and how much is unknown.', schema } },
    async run({ store }) {
      const [share, clusters] = await Promise.all([shareOf(store), unknownClusters(store)]);
      const shown = clusters.slice(0, SHOWN);
      const examples = await store.getMany(
        shown.flatMap(({ failures: [id] }) => (id ? [{ entity: 'failure', id }] : [])),
      );
      const items = shown.flatMap((cluster) => {
        const failure = examples.get(`failure ${cluster.failures[0]}`) as Failure | null | undefined;
        // A rule was applied that explains it.
        if (failure?.cause !== undefined && failure.cause !== 'unknown') return [];
        return [{ ...cluster, example: failure?.excerpt ?? null }];
      });
      return { status: 200, body: { share, items, nextCursor: null } };
    },
  },
];
