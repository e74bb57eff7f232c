import type { Authorize, Caller, Clock } from './kernel.ts';

export interface SeededParameter {
  /** With its leading slash: `/qmoi/master-token`. */
  readonly name: string;
  readonly type: 'String' | 'StringList' | 'SecureString';
  readonly value: string;
}

export interface Ssm {
  /** Replaces every parameter; an unchanged value keeps its version. */
  seed(parameters: Iterable<SeededParameter>): void;
  /** The JSON protocol: `operation` without the `AmazonSSM.` prefix. */
  handle(operation: string, input: unknown, caller: Caller): Promise<unknown>;
}

export function createSsm(_options: { readonly clock: Clock; readonly authorize: Authorize }): Ssm {
  throw new Error('not built yet');
}
