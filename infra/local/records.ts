import type { FailedDelivery } from './deliveries.ts';
import type { Denial } from './iam/index.ts';
import type { Caller } from './kernel.ts';

const MOST = 5_000;
const LAST_FAILED = 200;

export interface DeniedCall {
  readonly function: string;
  readonly action: string;
  readonly resource: string;
  count: number;
}

export interface AllowedCall {
  readonly function: string;
  readonly action: string;
  readonly resource: string;
}

/** What happened that an operator or a test wants to know of afterwards; bounded. */
export interface Records {
  denied(denial: Denial): void;
  allowed(caller: Caller, action: string, resource: string): void;
  failedDelivery(failed: FailedDelivery): void;
  read(): { denied: DeniedCall[]; allowed: AllowedCall[]; failedDeliveries: FailedDelivery[] };
}

export function createRecords(complain: (line: string) => void): Records {
  const denied = new Map<string, DeniedCall>();
  const allowed: AllowedCall[] = [];
  const failed: FailedDelivery[] = [];
  return {
    denied({ caller, action, resource }) {
      const name = nameOf(caller);
      complain(`AccessDenied: ${name} is not authorized to perform ${action} on ${resource}`);
      const key = `${name} ${action} ${resource}`;
      const known = denied.get(key);
      if (known) known.count += 1;
      else if (denied.size < MOST) denied.set(key, { function: name, action, resource, count: 1 });
    },
    allowed(caller, action, resource) {
      if (allowed.length < MOST) allowed.push({ function: nameOf(caller), action, resource });
    },
    failedDelivery(delivery) {
      complain(
        `${delivery.service}: delivery from ${delivery.sourceArn} to ${delivery.targetArn} failed after ${delivery.attempts} attempts: ${delivery.error}`,
      );
      failed.push(delivery);
      if (failed.length > LAST_FAILED) failed.shift();
    },
    read: () => ({ denied: [...denied.values()], allowed: [...allowed], failedDeliveries: [...failed] }),
  };
}

export function nameOf(caller: Caller): string {
  return caller.type === 'role' ? caller.functionName : `${caller.principal} (for ${caller.sourceArn})`;
}
