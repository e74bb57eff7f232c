import type { BusEvent, RuleTarget } from './index.ts';

/** What a target gets for an event, as its Input, InputPath or InputTransformer says. */
export function inputFor(target: RuleTarget, event: BusEvent, ruleArn: string): string {
  if (target.input !== undefined) return target.input;
  if (target.inputPath !== undefined) return JSON.stringify(at(event, target.inputPath) ?? null);
  const transformer = target.inputTransformer;
  if (transformer === undefined) return JSON.stringify(event);
  const ruleName = ruleArn.split('/').at(-1) ?? '';
  const values: Record<string, unknown> = {
    'aws.events.rule-arn': ruleArn,
    'aws.events.rule-name': ruleName,
    'aws.events.event.ingestion-time': event.time,
    'aws.events.event': event,
  };
  for (const [name, path] of Object.entries(transformer.inputPathsMap ?? {})) values[name] = at(event, path);
  // A placeholder inside quotes is text; outside it is JSON.
  return transformer.inputTemplate.replace(/"<([^<>"]+)>"|<([^<>"]+)>/g, (_, quoted?: string, bare?: string) => {
    const value = values[quoted ?? bare ?? ''];
    if (quoted !== undefined) return JSON.stringify(typeof value === 'string' ? value : JSON.stringify(value ?? ''));
    return typeof value === 'string' ? value : JSON.stringify(value ?? null);
  });
}

/** A JSONPath of names and indexes, which is all that EventBridge takes. */
function at(event: BusEvent, path: string): unknown {
  let value: unknown = event;
  for (const [, name, index] of path.matchAll(/\.([\w-]+)|\[(\d+)\]/g)) {
    if (value === null || typeof value !== 'object') return undefined;
    value = (value as Record<string, unknown>)[name ?? index ?? ''];
  }
  return value;
}
