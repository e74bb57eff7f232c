/**
 * What every emulated service shares: who is calling, how a call fails, what time it is.
 * The services know nothing of each other; `host.ts` wires them.
 */

/** Whoever makes a call: a function's role, or an AWS service acting for one of its resources. */
export type Caller =
  | { readonly type: 'role'; readonly arn: string; readonly functionName: string }
  | { readonly type: 'service'; readonly principal: string; readonly sourceArn: string };

/** A call that fails as AWS fails it; `code` is the service's own error name, `status` the HTTP status. */
export class AwsFault extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = code;
    this.code = code;
    this.status = status;
  }
}

/** Throws an `AwsFault` (AccessDenied…) naming caller, action and resource unless a policy allows the call. */
export type Authorize = (
  caller: Caller,
  action: string,
  resource: string,
  context?: Readonly<Record<string, string>>,
) => void;

/** The host's time, real or manual. Every due time in the host is measured on it, never on `Date.now`. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `task` once, as soon as `now() >= dueAt`. Returns its cancellation. */
  at(dueAt: number, task: () => void): () => void;
}

/** Account and region that the host pretends to be in; they appear in every ARN. */
export const ACCOUNT = '000000000000';
export const REGION = 'us-east-1';
