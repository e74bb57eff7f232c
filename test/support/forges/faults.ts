export type FaultKind =
  /** Answered before anything happens, as a load balancer would. */
  | { kind: 'status'; status: number; body?: string; headers?: Record<string, string> }
  /** The call takes effect, then the connection is cut without an answer. */
  | { kind: 'lost-answer' }
  /** The connection is cut before the call takes effect. */
  | { kind: 'reset' }
  /** The call takes effect at once, the answer comes late; Infinity: never. */
  | { kind: 'slow'; ms: number }
  /** The platform's own rate limit, in its own words. */
  | { kind: 'rate-limit'; limit: 'primary' | 'secondary'; retryAfterSeconds?: number };

export type Fault = FaultKind & {
  method?: string;
  /** Part of the path, or a pattern for it. */
  path?: string | RegExp;
  /** How many matching calls it hits; default 1. */
  times?: number;
  /** How many matching calls it lets through first. */
  skip?: number;
};

export interface Faults {
  /** Returns its removal. Of several that match, the oldest is played. */
  add(fault: Fault): () => void;
  clear(): void;
  /** Faults not used up yet. */
  left(): number;
}

interface Armed {
  fault: Fault;
  times: number;
  skip: number;
}

export class FaultPlan implements Faults {
  #armed: Armed[] = [];

  add(fault: Fault): () => void {
    const armed = { fault, times: fault.times ?? 1, skip: fault.skip ?? 0 };
    this.#armed.push(armed);
    return () => {
      this.#armed = this.#armed.filter((other) => other !== armed);
    };
  }

  clear(): void {
    this.#armed = [];
  }

  left(): number {
    return this.#armed.length;
  }

  take(method: string, path: string): Fault | undefined {
    for (const armed of this.#armed) {
      const { fault } = armed;
      if (fault.method && fault.method !== method) continue;
      if (typeof fault.path === 'string' && !path.includes(fault.path)) continue;
      if (fault.path instanceof RegExp && !fault.path.test(path)) continue;
      if (armed.skip > 0) {
        armed.skip -= 1;
        continue;
      }
      armed.times -= 1;
      if (armed.times <= 0) this.#armed = this.#armed.filter((other) => other !== armed);
      return fault;
    }
    return undefined;
  }
}
