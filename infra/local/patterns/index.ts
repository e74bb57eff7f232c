/** EventBridge event patterns; also Lambda's FilterCriteria and SNS filter policies, which share their semantics. */

export type Matcher = (event: unknown) => boolean;

/** Compiles a pattern (object or its JSON text). Throws `AwsFault` InvalidEventPatternException with the reason. */
export function compilePattern(_pattern: unknown): Matcher {
  throw new Error('not built yet');
}
