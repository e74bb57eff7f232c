/** What a function that reports partial failures answered: which records failed, or that all did. */
export type BatchAnswer = 'all-failed' | ReadonlySet<string>;

/**
 * Lambda's rules for `batchItemFailures`: an empty or absent list is success, anything that is no list of known
 * identifiers fails the whole batch.
 */
export function readBatchAnswer(payload: string, known: ReadonlySet<string>): BatchAnswer {
  let answer: unknown;
  try {
    answer = JSON.parse(payload);
  } catch {
    return 'all-failed';
  }
  if (typeof answer !== 'object' || answer === null || !('batchItemFailures' in answer)) return new Set();
  const { batchItemFailures } = answer as { batchItemFailures: unknown };
  if (batchItemFailures === null) return new Set();
  if (!Array.isArray(batchItemFailures)) return 'all-failed';
  const failed = new Set<string>();
  for (const failure of batchItemFailures as unknown[]) {
    const identifier =
      typeof failure === 'object' && failure !== null
        ? (failure as { itemIdentifier?: unknown }).itemIdentifier
        : undefined;
    if (typeof identifier !== 'string' || !known.has(identifier)) return 'all-failed';
    failed.add(identifier);
  }
  return failed;
}
