import type { Caller } from './kernel.ts';

/** What a service uses to reach targets; the host wires it. Callers' rights are checked by the service, not by the port. */
export interface TargetPorts {
  /**
   * Asynchronous invocation (`InvocationType: Event`). Resolves once Lambda owns it durably (or has run it); a rejection is retried
   * by the delivering service under the target's retry policy, except access and not-found faults, which go to its DLQ at once.
   */
  invoke(functionArn: string, payload: string, caller: Caller): Promise<void>;
}

/** A delivery that ended without success and had no DLQ to go to, or went there. */
export interface FailedDelivery {
  readonly service: 'events' | 'scheduler' | 'sns';
  readonly sourceArn: string;
  readonly targetArn: string;
  readonly error: string;
  readonly attempts: number;
  readonly deadLettered: boolean;
}
