import { AwsFault } from '../kernel.ts';
import { compilePattern } from '../patterns/index.ts';
import { type Message, type MessageAttributes, parseObject } from './message.ts';
import type { SubscriptionDefinition } from './types.ts';

export type Filter = (message: Message) => boolean;

type Policy = Readonly<Record<string, unknown>>;

const MAX_KEYS = 5;
const MAX_COMBINATIONS = 150;

/** Throws `AwsFault` InvalidParameter for a policy that Subscribe would refuse. */
export function compileFilter(subscription: SubscriptionDefinition): Filter {
  const { filterPolicy, filterPolicyScope = 'MessageAttributes', protocol } = subscription;
  if (filterPolicy === undefined || filterPolicy === null) return () => true;
  const policy = typeof filterPolicy === 'string' ? parseObject(filterPolicy) : filterPolicy;
  if (!isObject(policy)) throw refused('failed to parse JSON.');
  // An empty policy is how a filter is taken off.
  if (Object.keys(policy).length === 0) return () => true;
  check(policy, filterPolicyScope);
  const matches = compile(policy);
  if (filterPolicyScope === 'MessageAttributes') return ({ attributes }) => matches(comparable(attributes));
  return (message) => {
    const body = parseObject(message.textFor(protocol));
    return body !== undefined && matches(body);
  };
}

function compile(policy: Policy): (event: unknown) => boolean {
  try {
    return compilePattern(policy);
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
    throw refused(error.message.replace(/^Event pattern is not valid\. Reason: /, ''));
  }
}

/** The attributes as a pattern compares them. Binary ones are left out, as SNS compares nothing with them. */
function comparable(attributes: MessageAttributes): Record<string, unknown> {
  const values: [string, unknown][] = [];
  for (const [name, { DataType, StringValue = '' }] of Object.entries(attributes)) {
    if (DataType === 'String.Array') values.push([name, elementsOf(StringValue)]);
    else if (DataType.startsWith('String')) values.push([name, StringValue]);
    else if (DataType.startsWith('Number')) values.push([name, Number(StringValue)]);
  }
  return Object.fromEntries(values);
}

/** Only what is a plain value can be compared; text that is no array holds nothing to compare. */
function elementsOf(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter((element) => typeof element !== 'object' || element === null) : [];
  } catch {
    return [];
  }
}

function check(policy: Policy, scope: 'MessageAttributes' | 'MessageBody'): void {
  if (Object.keys(policy).length > MAX_KEYS) throw refused(`Filter policy can not have more than ${MAX_KEYS} keys`);
  if (scope === 'MessageAttributes' && isNested(policy)) {
    throw new AwsFault(
      'InvalidParameter',
      'Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy',
    );
  }
  if (combinations(policy, 1) > MAX_COMBINATIONS) throw refused('Filter policy is too complex');
}

function isNested(policy: Policy): boolean {
  return Object.entries(policy).some(([name, value]) =>
    name === '$or' && Array.isArray(value)
      ? value.some((alternative) => isObject(alternative) && isNested(alternative))
      : isObject(value),
  );
}

/** The values of every key multiplied, those of a nested key counted once per level; alternatives add up. */
function combinations(policy: Policy, depth: number): number {
  return Object.entries(policy).reduce((product, [name, value]) => {
    if (isObject(value)) return product * combinations(value, depth + 1);
    if (!Array.isArray(value) || value.length === 0) return product;
    if (name !== '$or') return product * value.length * depth;
    return product * value.reduce<number>((sum, one) => sum + (isObject(one) ? combinations(one, depth) : 1), 0);
  }, 1);
}

const refused = (reason: string): AwsFault =>
  new AwsFault('InvalidParameter', `Invalid parameter: FilterPolicy: ${reason}`);

function isObject(value: unknown): value is Policy {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
