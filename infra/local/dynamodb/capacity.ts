/**
 * Capacity figures ride on the engine's own answers: the request is made to ask for them, the answer is relieved of them
 * when the caller had not. Both without parsing or re-serialising an item.
 */

export interface ConsumedCapacity {
  readonly TableName?: string;
  readonly CapacityUnits?: number;
}

const ASK = Buffer.from('{"ReturnConsumedCapacity":"TOTAL",');
const OPEN_BRACE = 0x7b;
const COMMA = 0x2c;

/** The request, asking for capacity figures. `input` is `body`, parsed. */
export function askForCapacity(body: Buffer, input: Readonly<Record<string, unknown>>): Buffer {
  const asked = input.ReturnConsumedCapacity;
  if (asked === 'TOTAL' || asked === 'INDEXES') return body;
  if (asked !== undefined) return Buffer.from(JSON.stringify({ ...input, ReturnConsumedCapacity: 'TOTAL' }));
  if (Object.keys(input).length === 0) return body;
  return Buffer.concat([ASK, body.subarray(body.indexOf(OPEN_BRACE) + 1)]);
}

/** The figures in an answer, and the answer without them. */
export function takeCapacity(answer: Buffer): { capacities: readonly ConsumedCapacity[]; without: Buffer } {
  const found = locate(answer);
  if (!found) return { capacities: [], without: answer };
  const value: unknown = JSON.parse(answer.toString('utf8', found.valueStart, found.end));
  // The member goes together with one of the commas beside it.
  const commaBefore = answer[found.start - 1] === COMMA;
  const commaAfter = !commaBefore && answer[found.end] === COMMA;
  return {
    capacities: (Array.isArray(value) ? value : [value]) as ConsumedCapacity[],
    without: Buffer.concat([
      answer.subarray(0, found.start - (commaBefore ? 1 : 0)),
      answer.subarray(found.end + (commaAfter ? 1 : 0)),
    ]),
  };
}

const MEMBER = '"ConsumedCapacity":';

/**
 * Quotes inside JSON strings are escaped, so the sought bytes can only be a member's name. An item's attribute may bear
 * it too, but its value starts with a type (`{"S":`), never with the names below.
 */
function locate(answer: Buffer): { start: number; valueStart: number; end: number } | undefined {
  for (let start = answer.lastIndexOf(MEMBER); start >= 0; start = answer.lastIndexOf(MEMBER, start - 1)) {
    const valueStart = start + MEMBER.length;
    const opening = answer.toString('latin1', valueStart, valueStart + 18);
    if (/^(\[|\{"(TableName|CapacityUnits|ReadCapac|WriteCapa))/.test(opening)) {
      return { start, valueStart, end: endOfValue(answer, valueStart) };
    }
    if (start === 0) return undefined;
  }
  return undefined;
}

/** Table and index names hold no brackets, so depth alone finds the end. */
function endOfValue(answer: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < answer.length; at++) {
    const byte = answer[at];
    if (byte === OPEN_BRACE || byte === 0x5b) depth++;
    else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return at + 1;
  }
  throw new Error('the engine answered cut off capacity figures');
}

/** Bytes of an item as DynamoDB counts them, near enough for a failed write: names and values in UTF-8. */
function itemBytes(item: unknown): number {
  if (typeof item === 'string') return Buffer.byteLength(item);
  if (Array.isArray(item)) return item.reduce<number>((sum, one) => sum + itemBytes(one), 3);
  if (typeof item !== 'object' || item === null) return 1;
  return Object.entries(item).reduce(
    (sum, [name, value]) =>
      sum + (/^(S|N|B|M|L|BOOL|NULL|SS|NS|BS)$/.test(name) ? 0 : Buffer.byteLength(name)) + itemBytes(value),
    0,
  );
}

/**
 * Units of a write that its condition stopped. AWS charges it all the same, by the size of the item it met, which only
 * an answer with ALL_OLD shows; one unit otherwise. A cancelled transaction has prepared each member once.
 */
export function unitsOfFailedWrite(
  operation: string,
  input: Readonly<Record<string, unknown>>,
  answer: Buffer,
): number {
  const failure = answer.toString('utf8', 0, 200);
  if (failure.includes('ConditionalCheckFailedException')) {
    const item = (JSON.parse(answer.toString('utf8')) as { Item?: unknown }).Item;
    return Math.max(1, Math.ceil(itemBytes(item ?? '') / 1024));
  }
  if (operation === 'TransactWriteItems' && failure.includes('TransactionCanceledException')) {
    return Array.isArray(input.TransactItems) ? input.TransactItems.length : 0;
  }
  return 0;
}
