import * as z from 'zod/mini';
import { type EntityName, machines, type State } from '../../shared/model/index.ts';

/** How items look from outside. Everything here is derived from the models, so that answers and description agree. */

/** How the program keeps its books. */
const HIDDEN: ReadonlySet<string> = new Set([
  'entity',
  'schema',
  'basis',
  'course',
  'off',
  'wakeAt',
  'wokenAt',
  'parts',
  'leaseOwner',
  'leaseUntil',
  'lookUps',
  'rulesVersion',
]);
const FIRST = ['id', 'status', 'version', 'createdAt', 'updatedAt', 'statusAt', 'origin'];

export type View = Record<string, unknown>;
export type JsonSchema = Record<string, unknown>;

const schemas = new Map<EntityName, JsonSchema>();

/** The JSON Schema of an entity's view: every field is there, null where nothing is known. */
export function viewSchema(entity: EntityName): JsonSchema {
  const known = schemas.get(entity);
  if (known !== undefined) return known;
  const machine = machines[entity];
  const model = z.toJSONSchema(machine.shape, { io: 'output' }) as {
    properties: Record<string, JsonSchema>;
    required: string[];
  };
  const names = [...FIRST, ...Object.keys(model.properties).filter((name) => !FIRST.includes(name))];
  const properties: Record<string, JsonSchema> = {};
  for (const name of names.filter((name) => !HIDDEN.has(name))) {
    const schema = timed(name, model.properties[name] ?? {});
    properties[name] = model.required.includes(name) ? schema : orNull(schema);
  }
  const means = Object.entries<{ means: string }>(machine.statuses).map(
    ([status, rule]) => `\`${status}\`: ${rule.means}`,
  );
  properties.status = { ...properties.status, description: means.join('; ') };
  const schema = { type: 'object', properties, required: Object.keys(properties) };
  schemas.set(entity, schema);
  return schema;
}

const timed = (name: string, schema: JsonSchema): JsonSchema =>
  name.endsWith('At') && schema.type === 'string' ? { ...schema, format: 'date-time' } : schema;
/** What schemas are made of. */
export const text: JsonSchema = { type: 'string' };
export const time: JsonSchema = { type: 'string', format: 'date-time' };
export const orNull = (schema: JsonSchema): JsonSchema => {
  if (Array.isArray(schema.anyOf)) return schema;
  return typeof schema.type === 'string' && schema.enum === undefined
    ? { ...schema, type: [schema.type, 'null'] }
    : { anyOf: [schema, { type: 'null' }] };
};

/** An item as the API shows it. */
export function viewOf(entity: EntityName, state: State): View {
  const fields = state as unknown as Record<string, unknown>;
  const names = Object.keys(viewSchema(entity).properties as object);
  return Object.fromEntries(names.map((name) => [name, fields[name] ?? null]));
}
