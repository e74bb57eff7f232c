import type { Assembly } from '../assembly.ts';
import { type Resource, resolveTemplate } from '../cloudformation.ts';
import { identifyFor, isIgnorable, type Origins } from '../identities.ts';
import { readApi } from './api.ts';
import { readEvents } from './events.ts';
import { readFunctions } from './functions.ts';
import { readPolicies } from './policies.ts';
import { readQueues } from './queues.ts';
import { type PropertiesOf, type SchemaName, schemas, UNJUDGED } from './schemas.ts';
import type { HostModel } from './types.ts';

/** A resource of one type with its judged properties. */
export interface Typed<T extends SchemaName> extends Omit<Resource, 'properties'> {
  readonly properties: PropertiesOf<T>;
}

export type Lookup = <T extends SchemaName>(type: T) => readonly Typed<T>[];

/**
 * Turns a cloud assembly into what the host is to run. Throws one error naming every resource type and property that
 * would change the program's behaviour and that the host does not know.
 */
export function readModel(assembly: Assembly, origins: Origins): HostModel {
  const resources = resolveTemplate(assembly.template, assembly.stackName, identifyFor(origins));
  const problems: string[] = [];
  const typed = new Map<string, Typed<SchemaName>[]>();
  for (const resource of resources) {
    if (isIgnorable(resource.type) || UNJUDGED.has(resource.type)) continue;
    const schema = Object.hasOwn(schemas, resource.type) ? schemas[resource.type as SchemaName] : undefined;
    const judged = schema?.safeParse(resource.properties);
    if (!judged?.success) {
      const reasons = judged?.error.issues.map(({ path, message }) =>
        [path.join('.'), message].filter(Boolean).join(': '),
      );
      problems.push(`${resource.type} ${resource.logicalId}: ${(reasons ?? ['unknown type']).join(', ')}`);
      continue;
    }
    const list = typed.get(resource.type) ?? [];
    list.push({ ...resource, properties: judged.data } as Typed<SchemaName>);
    typed.set(resource.type, list);
  }
  if (problems.length > 0) {
    throw new Error(`The embedded host cannot run this template as AWS would:\n  ${problems.join('\n  ')}`);
  }
  const all: Lookup = <T extends SchemaName>(type: T) => (typed.get(type) ?? []) as unknown as readonly Typed<T>[];

  const tables = resources
    .filter(({ type }) => type === 'AWS::DynamoDB::Table' || type === 'AWS::DynamoDB::GlobalTable')
    .map(({ ref, type, properties }) => ({
      name: ref,
      type: type as 'AWS::DynamoDB::Table' | 'AWS::DynamoDB::GlobalTable',
      properties,
    }));
  const streams = new Map(
    resources.flatMap(({ attributes, ref }) => (attributes.StreamArn ? [[attributes.StreamArn, ref] as const] : [])),
  );
  return {
    stackName: assembly.stackName,
    ...readFunctions(all, assembly, streams),
    api: readApi(all),
    tables,
    ...readQueues(all),
    ...readEvents(all),
    parameters: all('AWS::SSM::Parameter').map(({ properties: { Name, Type, Value } }) => ({
      name: Name.startsWith('/') ? Name : `/${Name}`,
      type: Type,
      value: Value,
    })),
    ...readPolicies(all),
  };
}
