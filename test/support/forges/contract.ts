import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Call, Platform } from './types.ts';

export interface ContractReport {
  /** Calls that were held against the platform's own description. */
  checked: number;
  violations: string[];
  /** Calls to paths the description does not have; it is a cut. */
  uncovered: string[];
  /** Why nothing was checked. */
  skipped?: string;
}

interface Schema {
  $ref?: string;
  type?: string | string[];
  nullable?: boolean;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
}

/** OpenAPI 3 nests the schema, Swagger 2 has its fields beside the name. */
interface Parameter extends Schema {
  name: string;
  in: 'path' | 'query' | 'header' | 'body' | 'formData';
  schema?: Schema;
}

interface Operation {
  parameters?: (Parameter | { $ref: string })[];
  requestBody?: { required?: boolean; content?: Record<string, { schema?: Schema }> };
}

interface Description {
  paths: Record<string, Record<string, Operation>>;
}

const FILES = { github: 'github-actions.openapi.json', gitlab: 'gitlab-ci.swagger.json' };
/** GitLab's description asks for a number; its documentation says "ID or URL-encoded path". */
const PATH_OR_NUMBER = 'id';

/**
 * Holds recorded calls against the platforms' own API descriptions: path, method, path and query parameters, body.
 * They are not part of the project; where they are absent the check says so on standard error and is skipped.
 */
export function checkCalls(
  platform: Platform,
  calls: readonly Call[],
  dataDir = join('..', 'shared', 'data'),
): ContractReport {
  const file = join(dataDir, 'api', FILES[platform]);
  const report: ContractReport = { checked: 0, violations: [], uncovered: [] };
  if (!existsSync(file)) {
    report.skipped = `no API description at ${file}`;
    process.stderr.write(`SKIPPED: contract of the calls to ${platform}: ${report.skipped}\n`);
    return report;
  }
  const checker = new Checker(JSON.parse(readFileSync(file, 'utf8')) as Description);
  for (const call of calls) {
    // The log store is another host and has no description.
    if (call.path.startsWith('/actions-results/')) continue;
    const problems = checker.check(call);
    const name = `${call.method} ${call.path}`;
    if (problems === undefined) report.uncovered.push(name);
    else {
      report.checked += 1;
      report.violations.push(...problems.map((problem) => `${name}: ${problem}`));
    }
  }
  return report;
}

class Checker {
  readonly #description: Description;

  constructor(description: Description) {
    this.#description = description;
  }

  /** Undefined: the description does not have the path. */
  check(call: Call): string[] | undefined {
    const path = call.path.replace(/^\/api\/v3(?=\/)/, '');
    const found = this.#path(path);
    if (!found) return undefined;
    const operation = this.#description.paths[found.template]?.[call.method.toLowerCase()];
    if (!operation) return [`${found.template} knows no ${call.method}`];
    const parameters = (operation.parameters ?? []).map((parameter) =>
      '$ref' in parameter && parameter.$ref ? this.#resolve<Parameter>(parameter.$ref) : (parameter as Parameter),
    );
    return [
      ...this.#pathParameters(parameters, found.values),
      ...this.#query(parameters, call.query),
      ...this.#body(operation, parameters, call),
    ];
  }

  #path(path: string): { template: string; values: Record<string, string> } | undefined {
    const actual = path.split('/');
    let best: { template: string; values: Record<string, string> } | undefined;
    for (const template of Object.keys(this.#description.paths)) {
      const expected = template.split('/');
      if (expected.length !== actual.length) continue;
      const values: Record<string, string> = {};
      const fits = expected.every((part, index) => {
        const value = actual[index] ?? '';
        if (!part.startsWith('{')) return part === value;
        values[part.slice(1, -1)] = decodeURIComponent(value);
        return value !== '';
      });
      // Fewer placeholders is the closer fit: /pipelines/latest before /pipelines/{pipeline_id}.
      if (fits && (!best || Object.keys(values).length < Object.keys(best.values).length)) best = { template, values };
    }
    return best;
  }

  #pathParameters(parameters: readonly Parameter[], values: Record<string, string>): string[] {
    return Object.entries(values).flatMap(([name, value]) => {
      if (name === PATH_OR_NUMBER) return [];
      const parameter = parameters.find((candidate) => candidate.in === 'path' && candidate.name === name);
      return parameter ? this.#text(parameter, value, name) : [];
    });
  }

  #query(parameters: readonly Parameter[], query: Record<string, string>): string[] {
    return Object.entries(query).flatMap(([key, value]) => {
      const name = key.replace(/\[\]$/, '');
      const parameter = parameters.find((candidate) => candidate.in === 'query' && candidate.name === name);
      return parameter ? this.#text(parameter, value, name) : [`unknown query parameter ${key}`];
    });
  }

  #text(parameter: Parameter, value: string, name: string): string[] {
    const schema = this.#deref(parameter.schema ?? parameter);
    // Lists are repeated or separated by commas; a record of a call holds one of them.
    if (schema.type === 'array' && schema.items) {
      const item: Parameter = { ...parameter, schema: schema.items };
      return value.split(',').flatMap((part) => this.#text(item, part, name));
    }
    const numeric = schema.type === 'integer' || schema.type === 'number';
    const read =
      numeric && /^\d+$/.test(value)
        ? Number(value)
        : (value === 'true' || value === 'false') && schema.type === 'boolean'
          ? value === 'true'
          : value;
    return this.#value(schema, read, name);
  }

  #body(operation: Operation, parameters: readonly Parameter[], call: Call): string[] {
    const fields = parameters.filter((parameter) => parameter.in === 'formData');
    const declared =
      operation.requestBody?.content?.['application/json']?.schema ??
      parameters.find((parameter) => parameter.in === 'body')?.schema ??
      (fields.length > 0
        ? { type: 'object', properties: Object.fromEntries(fields.map((field) => [field.name, field])) }
        : undefined);
    if (call.body === '') return operation.requestBody?.required ? ['a body is required'] : [];
    let body: unknown;
    try {
      body = JSON.parse(call.body);
    } catch {
      return ['the body is no JSON'];
    }
    const empty = body === null || (typeof body === 'object' && Object.keys(body as object).length === 0);
    if (!declared) return empty ? [] : ['takes no body'];
    return this.#value(declared, body, 'body');
  }

  #value(given: Schema, value: unknown, at: string): string[] {
    const schema = this.#deref(given);
    if (value === null && schema.nullable) return [];
    for (const part of schema.allOf ?? []) {
      const problems = this.#value(part, value, at);
      if (problems.length > 0) return problems;
    }
    const choices = schema.oneOf ?? schema.anyOf;
    if (choices && !choices.some((choice) => this.#value(choice, value, at).length === 0))
      return [`${at} fits no form`];
    if (schema.enum && !schema.enum.includes(value))
      return [`${at} is ${JSON.stringify(value)}, not one of ${schema.enum.join(', ')}`];
    const types = schema.type === undefined ? [] : [schema.type].flat();
    if (types.length > 0 && !types.some((type) => isOfType(type, value))) return [`${at} is no ${types.join(' or ')}`];
    if (Array.isArray(value)) {
      return value.flatMap((item, index) => (schema.items ? this.#value(schema.items, item, `${at}[${index}]`) : []));
    }
    if (value === null || typeof value !== 'object') return [];
    const object = value as Record<string, unknown>;
    const missing = (schema.required ?? []).filter((key) => !(key in object)).map((key) => `${at}.${key} is missing`);
    const properties = schema.properties;
    if (!properties) return missing;
    const problems = Object.entries(object).flatMap(([key, item]) => {
      const property = properties[key];
      if (property) return this.#value(property, item, `${at}.${key}`);
      return schema.additionalProperties ? [] : [`unknown ${at}.${key}`];
    });
    return [...missing, ...problems];
  }

  #deref(schema: Schema): Schema {
    return schema.$ref ? this.#deref(this.#resolve<Schema>(schema.$ref)) : schema;
  }

  #resolve<T>(ref: string): T {
    let node: unknown = this.#description;
    for (const key of ref.replace(/^#\//, '').split('/')) node = (node as Record<string, unknown> | undefined)?.[key];
    if (node === undefined) throw new Error(`the description lacks ${ref}`);
    return node as T;
  }
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  if (type === 'null') return value === null;
  return typeof value === type;
}
