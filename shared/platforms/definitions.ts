import * as z from 'zod/mini';
import { ids } from '../store/keys.ts';
import { nameOf, present } from './clean.ts';
import { type DeliveredEvent, noFacts, type PlatformFacts } from './port.ts';
import { jsonOf } from './request.ts';
import type { Definition, Told } from './sweeper.ts';

/** What no webhook tells: that a workflow or a schedule was switched off, does not start, or is back. No platform's own event. */
export const DEFINITIONS_EVENT = 'definitions';

const text = z.string().check(z.minLength(1), z.maxLength(400));
const definitionsEvent = z.object({
  repository: text,
  /** When they were looked at, which stands in for the platform's own time. */
  at: z.iso.datetime(),
  definitions: z.array(
    z.object({
      externalId: text,
      name: z.optional(z.string()),
      path: z.optional(z.string()),
      off: z.optional(z.object({ status: z.enum(['disabled', 'silent']), reason: text })),
    }),
  ),
});

/** Tells how definitions stand, as `factsOfDefinitions` understands it. */
export function toldOfDefinitions(repository: string, at: string, definitions: readonly Definition[]): Told {
  return { event: DEFINITIONS_EVENT, action: 'listed', payload: { repository, at, definitions } };
}

/** Throws a ZodError when it is none of `toldOfDefinitions`. */
export function factsOfDefinitions(platform: string, { body, origin }: DeliveredEvent): PlatformFacts {
  const { repository, at, definitions } = definitionsEvent.parse(jsonOf(body.toString('utf8')));
  const automations = definitions.map(({ externalId, name, path, off }) =>
    present({
      ...{ id: ids.automation(platform, externalId), platform, externalId, repository },
      name: nameOf(name),
      path: nameOf(path),
      status: off?.status ?? ('healthy' as const),
      reason: off?.reason,
      statusAt: new Date(at).toISOString(),
      origin,
      recent: [],
    }),
  );
  return { ...noFacts(), automations };
}
