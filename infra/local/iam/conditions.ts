import { BlockList, isIP } from 'node:net';
import { globMatches } from './glob.ts';
import { type ConditionBlock, type ContextLookup, list } from './policy.ts';
import { compileTemplate, type Template } from './variables.ts';

type Compare = (wanted: string, actual: string) => boolean;
export type Condition = (context: ContextLookup) => boolean;

/** Removes the escapes that templates add, for operators that compare as they are. */
const literal = (glob: string) => glob.replace(/\\(.)/gs, '$1');

const numeric =
  (holds: (order: number) => boolean): Compare =>
  (wanted, actual) =>
    holds(Number(actual) - Number(literal(wanted)));

const date =
  (holds: (order: number) => boolean): Compare =>
  (wanted, actual) =>
    holds(instant(actual) - instant(literal(wanted)));

/** ISO 8601 or seconds since the epoch. */
function instant(text: string): number {
  return /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}

/** Each of the six colon-separated parts is compared by itself, so no `*` reaches over a colon before the resource part. */
const arnLike: Compare = (wanted, actual) => {
  const patterns = arnParts(wanted);
  const parts = arnParts(actual);
  return patterns.length === parts.length && patterns.every((pattern, i) => globMatches(pattern, parts[i] as string));
};

function arnParts(arn: string): string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
}

const inNetwork: Compare = (wanted, actual) => {
  const family = isIP(actual);
  const [network = '', bits] = literal(wanted).split('/');
  const networkFamily = isIP(network);
  if (family === 0 || networkFamily === 0 || family !== networkFamily) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const block = new BlockList();
  block.addSubnet(network, bits === undefined ? (family === 4 ? 32 : 128) : Number(bits), type);
  return block.check(actual, type);
};

const stringEquals: Compare = (wanted, actual) => literal(wanted) === actual;
const stringEqualsIgnoreCase: Compare = (wanted, actual) => literal(wanted).toLowerCase() === actual.toLowerCase();

/** Operators by lower-case name; a negated one holds when no value matches and when the key is missing. */
const OPERATORS: Readonly<Record<string, { compare: Compare; negated?: boolean }>> = {
  stringequals: { compare: stringEquals },
  stringnotequals: { compare: stringEquals, negated: true },
  stringequalsignorecase: { compare: stringEqualsIgnoreCase },
  stringnotequalsignorecase: { compare: stringEqualsIgnoreCase, negated: true },
  stringlike: { compare: globMatches },
  stringnotlike: { compare: globMatches, negated: true },
  numericequals: { compare: numeric((order) => order === 0) },
  numericnotequals: { compare: numeric((order) => order === 0), negated: true },
  numericlessthan: { compare: numeric((order) => order < 0) },
  numericlessthanequals: { compare: numeric((order) => order <= 0) },
  numericgreaterthan: { compare: numeric((order) => order > 0) },
  numericgreaterthanequals: { compare: numeric((order) => order >= 0) },
  dateequals: { compare: date((order) => order === 0) },
  datenotequals: { compare: date((order) => order === 0), negated: true },
  datelessthan: { compare: date((order) => order < 0) },
  datelessthanequals: { compare: date((order) => order <= 0) },
  dategreaterthan: { compare: date((order) => order > 0) },
  dategreaterthanequals: { compare: date((order) => order >= 0) },
  bool: { compare: stringEqualsIgnoreCase },
  binaryequals: { compare: stringEquals },
  ipaddress: { compare: inNetwork },
  notipaddress: { compare: inNetwork, negated: true },
  arnequals: { compare: arnLike },
  arnlike: { compare: arnLike },
  arnnotequals: { compare: arnLike, negated: true },
  arnnotlike: { compare: arnLike, negated: true },
};

/** All operators and all their keys must hold. Throws on an operator IAM does not know. */
export function compileConditions(
  block: ConditionBlock | undefined,
  version: string | undefined,
  usedKeys: Set<string>,
): Condition {
  const conditions: Condition[] = [];
  for (const [operator, keys] of Object.entries(block ?? {})) {
    for (const [key, values] of Object.entries(keys)) {
      usedKeys.add(key.toLowerCase());
      const templates = list(values).map((value) => compileTemplate(String(value), version, usedKeys));
      conditions.push(compileOperator(operator, key.toLowerCase(), templates));
    }
  }
  return (context) => conditions.every((holds) => holds(context));
}

function compileOperator(operator: string, key: string, wanted: readonly Template[]): Condition {
  const [, quantifier, name, ifExists] = /^(?:(forallvalues|foranyvalue):)?(.*?)(ifexists)?$/.exec(
    operator.toLowerCase(),
  ) as unknown as [string, string | undefined, string, string | undefined];

  if (name === 'null') {
    return (context) => wanted.some((value) => value(context)?.toLowerCase() === String(context(key) === undefined));
  }
  const known = OPERATORS[name];
  if (known === undefined) throw new Error(`IAM has no condition operator "${operator}"`);
  const { compare, negated = false } = known;
  const whenMissing =
    quantifier === 'foranyvalue' ? false : quantifier === 'forallvalues' || negated || ifExists !== undefined;

  // A context key holds one value here, so a quantifier only decides what its absence means.
  return (context) => {
    const actual = context(key);
    if (actual === undefined) return whenMissing;
    const matches = wanted.some((value) => {
      const resolved = value(context);
      return resolved !== undefined && compare(resolved, actual);
    });
    return matches !== negated;
  };
}
