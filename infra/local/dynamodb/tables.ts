/** From the template's table resources to tables of the engine. */
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { type EngineClient, EngineError } from './engine-client.ts';
import type { TableResource } from './types.ts';

const keySchema = z.array(z.object({ AttributeName: z.string(), KeyType: z.enum(['HASH', 'RANGE']) }));
const index = z.object({
  IndexName: z.string(),
  KeySchema: keySchema,
  Projection: z.object({ ProjectionType: z.string(), NonKeyAttributes: z.array(z.string()).optional() }),
});
const booleanText = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);

/** What counts here; capacity, encryption, recovery, tags and the like have no meaning on one machine. */
const propertiesSchema = z.object({
  KeySchema: keySchema,
  AttributeDefinitions: z.array(z.object({ AttributeName: z.string(), AttributeType: z.enum(['S', 'N', 'B']) })),
  GlobalSecondaryIndexes: z.array(index).optional(),
  LocalSecondaryIndexes: z.array(index).optional(),
  StreamSpecification: z.object({ StreamViewType: z.string() }).optional(),
  TimeToLiveSpecification: z.object({ AttributeName: z.string().optional(), Enabled: booleanText }).optional(),
});
type Properties = z.infer<typeof propertiesSchema>;
type Index = z.infer<typeof index>;

/** A table as the rest of this folder knows it. */
export interface Table {
  readonly name: string;
  /** Names of the key attributes: partition, then sort. */
  readonly keys: readonly string[];
  readonly ttlAttribute: string | undefined;
  readonly stream: { readonly engineArn: string; readonly label: string; readonly viewType: string } | undefined;
}

interface Description {
  readonly TableStatus?: string;
  readonly KeySchema: Properties['KeySchema'];
  readonly AttributeDefinitions: Properties['AttributeDefinitions'];
  readonly GlobalSecondaryIndexes?: (Index & { readonly IndexStatus?: string })[];
  readonly LocalSecondaryIndexes?: Index[];
  readonly StreamSpecification?: { readonly StreamEnabled?: boolean; readonly StreamViewType?: string };
  readonly LatestStreamArn?: string;
  readonly LatestStreamLabel?: string;
}

/** Creates what is absent and adds new indexes; throws a sentence for any other difference, which would need a migration. */
export async function ensureTable(client: EngineClient, resource: TableResource): Promise<Table> {
  const wanted = parse(resource);
  let found = await describe(client, resource.name);
  if (!found) {
    await client.call('CreateTable', createInput(resource.name, wanted));
    found = await settled(client, resource.name);
  }
  refuseChanges(resource.name, wanted, found);
  const have = new Set((found.GlobalSecondaryIndexes ?? []).map((one) => one.IndexName));
  for (const missing of (wanted.GlobalSecondaryIndexes ?? []).filter((one) => !have.has(one.IndexName))) {
    // DynamoDB takes one new index per UpdateTable.
    await client.call('UpdateTable', {
      TableName: resource.name,
      AttributeDefinitions: wanted.AttributeDefinitions,
      GlobalSecondaryIndexUpdates: [{ Create: missing }],
    });
    found = await settled(client, resource.name);
  }
  const ttl = wanted.TimeToLiveSpecification;
  const viewType = wanted.StreamSpecification?.StreamViewType;
  if (viewType && !(found.LatestStreamArn && found.LatestStreamLabel)) {
    throw new Error(`The engine opened no stream on table ${resource.name}.`);
  }
  return {
    name: resource.name,
    keys: wanted.KeySchema.map((key) => key.AttributeName),
    ttlAttribute: ttl?.Enabled ? ttl.AttributeName : undefined,
    stream: viewType
      ? { engineArn: found.LatestStreamArn ?? '', label: found.LatestStreamLabel ?? '', viewType }
      : undefined,
  };
}

function parse(resource: TableResource): Properties {
  const parsed = propertiesSchema.safeParse(resource.properties);
  if (parsed.success) return parsed.data;
  throw new Error(`Table ${resource.name} (${resource.type}) cannot be read: ${z.prettifyError(parsed.error)}`);
}

function createInput(name: string, wanted: Properties): object {
  return {
    TableName: name,
    KeySchema: wanted.KeySchema,
    AttributeDefinitions: wanted.AttributeDefinitions,
    BillingMode: 'PAY_PER_REQUEST',
    ...(wanted.GlobalSecondaryIndexes?.length && { GlobalSecondaryIndexes: wanted.GlobalSecondaryIndexes }),
    ...(wanted.LocalSecondaryIndexes?.length && { LocalSecondaryIndexes: wanted.LocalSecondaryIndexes }),
    ...(wanted.StreamSpecification && {
      StreamSpecification: { StreamEnabled: true, StreamViewType: wanted.StreamSpecification.StreamViewType },
    }),
    // TTL stays unset in the engine: `sweepTtl` deletes by the host's clock, and an engine's own sweep would go by another.
  };
}

async function describe(client: EngineClient, name: string): Promise<Description | undefined> {
  try {
    return (await client.call<{ Table: Description }>('DescribeTable', { TableName: name })).Table;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

async function settled(client: EngineClient, name: string): Promise<Description> {
  for (let tries = 0; tries < 600; tries++) {
    const found = await describe(client, name);
    const indexes = found?.GlobalSecondaryIndexes ?? [];
    if (found?.TableStatus === 'ACTIVE' && indexes.every((one) => (one.IndexStatus ?? 'ACTIVE') === 'ACTIVE'))
      return found;
    await sleep(50);
  }
  throw new Error(`Table ${name} did not become active within 30 s.`);
}

/** A stable text for comparison, whatever the order of properties. */
function shape(value: Index | undefined): string {
  if (!value) return 'absent';
  const attributes = [...(value.Projection.NonKeyAttributes ?? [])].sort();
  return JSON.stringify([value.KeySchema.map(keyText), value.Projection.ProjectionType, attributes]);
}

const keyText = (key: { AttributeName: string; KeyType: string }): string => `${key.AttributeName} ${key.KeyType}`;

function refuseChanges(name: string, wanted: Properties, found: Description): void {
  const refuse = (what: string): never => {
    throw new Error(
      `Table ${name} holds data and the template changes its ${what}. Only new global indexes can be added to an existing table: undo that change, or move the data directory away.`,
    );
  };
  if (String(wanted.KeySchema.map(keyText)) !== String(found.KeySchema.map(keyText))) refuse('key schema');

  const types = new Map(wanted.AttributeDefinitions.map((one) => [one.AttributeName, one.AttributeType]));
  for (const { AttributeName, AttributeType } of found.AttributeDefinitions) {
    const type = types.get(AttributeName);
    if (type && type !== AttributeType) refuse(`type of key attribute ${AttributeName} (${AttributeType} to ${type})`);
  }

  const globals = new Map((wanted.GlobalSecondaryIndexes ?? []).map((one) => [one.IndexName, one]));
  for (const one of found.GlobalSecondaryIndexes ?? []) {
    if (shape(globals.get(one.IndexName)) !== shape(one)) refuse(`global index ${one.IndexName}`);
  }
  const locals = new Map((wanted.LocalSecondaryIndexes ?? []).map((one) => [one.IndexName, one]));
  for (const one of found.LocalSecondaryIndexes ?? []) {
    if (shape(locals.get(one.IndexName)) !== shape(one)) refuse(`local index ${one.IndexName}`);
    locals.delete(one.IndexName);
  }
  for (const added of locals.keys()) refuse(`local index ${added}`);

  const view = found.StreamSpecification?.StreamEnabled ? found.StreamSpecification.StreamViewType : undefined;
  const wantedView = wanted.StreamSpecification?.StreamViewType;
  if (view !== wantedView) refuse(`stream (${view ?? 'none'} to ${wantedView ?? 'none'})`);
}
