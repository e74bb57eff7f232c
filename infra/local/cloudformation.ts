import { ACCOUNT, REGION } from './kernel.ts';

/** A synthesized template, as far as the host reads it. */
export interface Template {
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
  readonly Parameters?: Readonly<Record<string, { readonly Default?: unknown }>>;
  readonly Mappings?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
}

export interface TemplateResource {
  readonly Type: string;
  readonly Condition?: string;
  readonly Properties?: unknown;
}

/** What `Ref` and `Fn::GetAtt` give for one resource. */
export interface Identity {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export type Properties = Readonly<Record<string, unknown>>;

export interface Resource extends Identity {
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Properties;
}

/** Says what a resource is called; `name(property)` resolves the property that names it, or makes a name up. */
export type Identify = (
  type: string,
  logicalId: string,
  name: (property: string, makeUp?: string) => string,
) => Identity | undefined;

const NO_VALUE = Symbol('AWS::NoValue');
const PSEUDO: Readonly<Record<string, unknown>> = {
  'AWS::AccountId': ACCOUNT,
  'AWS::Region': REGION,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::NoValue': NO_VALUE,
  'AWS::NotificationARNs': [],
};

/**
 * Resolves every intrinsic function of the template. Throws one error that lists everything that is not understood:
 * an intrinsic, a missing reference, a type that `identify` does not know.
 */
export function resolveTemplate(template: Template, stackName: string, identify: Identify): Resource[] {
  const problems: string[] = [];
  const identities = new Map<string, Identity>();
  const conditions = new Map<string, boolean>();
  const open = new Set<string>();

  const pseudo = (name: string): unknown => {
    if (name === 'AWS::StackName') return stackName;
    if (name === 'AWS::StackId') return `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/${stackName}/local`;
    return PSEUDO[name];
  };

  const identity = (logicalId: string): Identity => {
    const known = identities.get(logicalId);
    if (known) return known;
    const resource = template.Resources[logicalId];
    if (!resource) throw new Error(`${logicalId} is referred to but is no resource of the template`);
    if (open.has(logicalId)) throw new Error(`${logicalId} is named after itself`);
    open.add(logicalId);
    const properties = (resource.Properties ?? {}) as Properties;
    const found = identify(resource.Type, logicalId, (property, makeUp) => {
      const given = property in properties ? resolve(properties[property]) : undefined;
      return typeof given === 'string' ? given : (makeUp ?? `${stackName}-${logicalId}`);
    });
    open.delete(logicalId);
    if (!found) throw new Error(`the resource type ${resource.Type} (${logicalId})`);
    identities.set(logicalId, found);
    return found;
  };

  const reference = (name: string): unknown => {
    const value = pseudo(name);
    if (value !== undefined) return value;
    const parameter = template.Parameters?.[name];
    if (parameter) return parameter.Default ?? '';
    return identity(name).ref;
  };

  const attribute = (logicalId: string, name: string): string => {
    const value = identity(logicalId).attributes[name];
    if (value === undefined) {
      throw new Error(`the attribute ${name} of ${template.Resources[logicalId]?.Type} (${logicalId})`);
    }
    return value;
  };

  const condition = (name: string): boolean => {
    const known = conditions.get(name);
    if (known !== undefined) return known;
    const definition = template.Conditions?.[name];
    if (definition === undefined) throw new Error(`the condition ${name}`);
    const value = truth(resolve(definition));
    conditions.set(name, value);
    return value;
  };

  const substitute = (text: string, variables: Properties): string =>
    text.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
      if (name.startsWith('!')) return `\${${name.slice(1)}}`;
      if (name in variables) return String(resolve(variables[name]));
      const [head = '', ...tail] = name.split('.');
      return String(tail.length > 0 ? attribute(head, tail.join('.')) : reference(name));
    });

  const list = (value: unknown): unknown[] => {
    const resolved = resolve(value);
    if (!Array.isArray(resolved)) throw new Error(`a list, where there is ${JSON.stringify(value)}`);
    return resolved;
  };

  const intrinsics: Readonly<Record<string, (argument: unknown) => unknown>> = {
    Ref: (name) => reference(String(name)),
    Condition: (name) => condition(String(name)),
    'Fn::GetAtt': (path) => {
      const [logicalId = '', name = ''] = Array.isArray(path) ? path.map(String) : splitOnce(String(path));
      return attribute(logicalId, name);
    },
    'Fn::Join': (argument) => {
      const [separator, parts] = argument as [string, unknown];
      return list(parts).join(separator);
    },
    'Fn::Sub': (argument) => {
      const [text, variables] = Array.isArray(argument) ? argument : [argument, {}];
      return substitute(String(text), variables as Properties);
    },
    'Fn::Select': (argument) => {
      const [index, from] = argument as [unknown, unknown];
      return list(from)[Number(resolve(index))];
    },
    'Fn::Split': (argument) => {
      const [separator, text] = argument as [string, unknown];
      return String(resolve(text)).split(separator);
    },
    'Fn::If': (argument) => {
      const [name, yes, no] = argument as [string, unknown, unknown];
      return resolve(condition(name) ? yes : no);
    },
    'Fn::Equals': (argument) => {
      const [a, b] = list(argument);
      return String(a) === String(b);
    },
    'Fn::And': (argument) => list(argument).every(truth),
    'Fn::Or': (argument) => list(argument).some(truth),
    'Fn::Not': (argument) => !truth(list(argument)[0]),
    'Fn::FindInMap': (argument) => {
      const [map, top, second] = list(argument).map(String);
      const value = template.Mappings?.[map ?? '']?.[top ?? '']?.[second ?? ''];
      if (value === undefined) throw new Error(`the mapping ${map}.${top}.${second}`);
      return resolve(value);
    },
    'Fn::Base64': (text) => Buffer.from(String(resolve(text))).toString('base64'),
  };

  const resolve = (value: unknown): unknown => {
    if (typeof value === 'string') {
      if (value.includes('{{resolve:')) throw new Error(`the dynamic reference ${value}`);
      return value;
    }
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(resolve).filter((member) => member !== NO_VALUE);
    const keys = Object.keys(value);
    const [key] = keys;
    if (key !== undefined && keys.length === 1) {
      const intrinsic = Object.hasOwn(intrinsics, key) ? intrinsics[key] : undefined;
      if (intrinsic) {
        // `Condition` is also the name of an ordinary property (of an IAM statement, say).
        const argument = (value as Properties)[key];
        if (key !== 'Condition' || typeof argument === 'string') return intrinsic(argument);
      }
      if (key.startsWith('Fn::')) throw new Error(`the intrinsic function ${key}`);
    }
    const resolved: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(value)) {
      const result = resolve(member);
      if (result !== NO_VALUE) resolved[name] = result;
    }
    return resolved;
  };

  const resources: Resource[] = [];
  for (const [logicalId, { Type, Condition, Properties = {} }] of Object.entries(template.Resources)) {
    try {
      if (Condition !== undefined && !condition(Condition)) continue;
      const { ref, attributes } = identity(logicalId);
      resources.push({ logicalId, type: Type, properties: resolve(Properties) as Properties, ref, attributes });
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  if (problems.length > 0) {
    throw new Error(`The embedded host does not know ${[...new Set(problems)].join('; nor ')}.`);
  }
  return resources;
}

function truth(value: unknown): boolean {
  return value === true || value === 'true';
}

function splitOnce(path: string): [string, string] {
  const dot = path.indexOf('.');
  return dot < 0 ? [path, ''] : [path.slice(0, dot), path.slice(dot + 1)];
}
