import { AwsFault } from '../kernel.ts';

export function invalidPattern(reason: string): AwsFault {
  return new AwsFault('InvalidEventPatternException', `Event pattern is not valid. Reason: ${reason}`);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
