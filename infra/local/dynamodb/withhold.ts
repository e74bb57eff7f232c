/**
 * Partial batches. On AWS an unprocessed member was neither read nor written, so the members that chaos holds back never
 * reach the engine and come back to the caller as unprocessed.
 */

type Fields = Readonly<Record<string, unknown>>;
type BatchOperation = 'BatchWriteItem' | 'BatchGetItem';

export interface Withheld {
  readonly input: Fields;
  readonly body: Buffer;
  /** Puts the members held back into the engine's answer. */
  restore(answer: Buffer): Buffer;
}

export function withholdMembers(
  operation: string,
  input: Fields,
  body: Buffer,
  decide: (operation: BatchOperation, members: number) => number,
): Withheld {
  const untouched = { input, body, restore: (answer: Buffer) => answer };
  if (operation !== 'BatchWriteItem' && operation !== 'BatchGetItem') return untouched;
  const requests = Object.entries((input.RequestItems ?? {}) as Record<string, unknown>);
  const membersOf = (request: unknown): readonly unknown[] => {
    const list = operation === 'BatchWriteItem' ? request : (request as { Keys?: unknown } | null)?.Keys;
    return Array.isArray(list) ? list : [];
  };
  const rebuild = (request: unknown, members: readonly unknown[]): unknown =>
    operation === 'BatchWriteItem' ? members : { ...(request as object), Keys: members };

  const total = requests.reduce((sum, [, request]) => sum + membersOf(request).length, 0);
  let toHold = total > 1 ? decide(operation, total) : 0;
  if (toHold <= 0) return untouched;

  const kept: Record<string, unknown> = {};
  const held: Record<string, unknown> = {};
  for (const [table, request] of requests.toReversed()) {
    const members = membersOf(request);
    const keep = Math.max(0, members.length - toHold);
    toHold -= members.length - keep;
    if (keep > 0) kept[table] = rebuild(request, members.slice(0, keep));
    if (keep < members.length) held[table] = rebuild(request, members.slice(keep));
  }
  const shortened = { ...input, RequestItems: kept };
  const member = operation === 'BatchWriteItem' ? 'UnprocessedItems' : 'UnprocessedKeys';
  return {
    input: shortened,
    body: Buffer.from(JSON.stringify(shortened)),
    restore: (answer) => {
      const parsed = JSON.parse(answer.toString('utf8')) as Fields;
      // Engines leave nothing unprocessed by themselves.
      return Buffer.from(JSON.stringify({ ...parsed, [member]: held }));
    },
  };
}
