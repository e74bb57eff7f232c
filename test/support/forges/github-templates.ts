import { createRequire } from 'node:module';
import type { WebhookDefinition } from '@octokit/webhooks-examples';
import type { Json, JsonObject } from './types.ts';

// The package's main is a JSON file; `require` reads it the same way under Node, tsx and vitest.
const definitions = createRequire(import.meta.url)('@octokit/webhooks-examples') as WebhookDefinition[];

/** A fresh copy of GitHub's own example of an event, the first that has what `fits` asks for. */
export function example(event: string, fits: (payload: JsonObject) => boolean): JsonObject {
  const examples = (definitions.find((definition) => definition.name === event)?.examples ??
    []) as unknown as JsonObject[];
  const found = examples.find(fits);
  if (!found) throw new Error(`no example of ${event} fits`);
  return structuredClone(found);
}

export function object(value: Json | undefined): JsonObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Error('not a JSON object');
  return value as JsonObject;
}

/** Rewrites every string below `value`. */
export function rewrite(value: Json, replace: (text: string) => string): Json {
  if (typeof value === 'string') return replace(value);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((item: Json) => rewrite(item, replace));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rewrite(item, replace)]));
}

export function nodeId(kind: string, id: number): string {
  return `${kind}_${Buffer.from(`0:${kind}${id}`).toString('base64url')}`;
}

/** The keys of `model`, with values of `whole`: GitHub nests a short form of the repository in a run. */
export function shorten(whole: JsonObject, model: JsonObject): JsonObject {
  return Object.fromEntries(Object.keys(model).map((key) => [key, whole[key] ?? model[key] ?? null]));
}
