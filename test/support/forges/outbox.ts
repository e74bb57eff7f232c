import type { ForgeClock } from './clock.ts';
import type { Delivery, SendResult } from './types.ts';

export interface OutboxOptions {
  /** Where deliveries go at the moment of sending: a host may come back on another port. */
  target(): string;
  clock: ForgeClock;
  /** Send a delivery again after this long when it was not taken (no answer, 429, 5xx). Default: never, as GitHub. */
  redeliverEveryMs?: number;
  /** What is sent again: same id, fresh signature time where there is one. */
  renew(delivery: Delivery): Delivery;
}

/** Both platforms give a receiver ten seconds. */
const TIMEOUT_MS = 10_000;

/** Posts deliveries one after another, in the order they were queued, and keeps every answer. */
export class Outbox {
  readonly results: SendResult[] = [];
  readonly #options: OutboxOptions;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #closed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  queue(delivery: Delivery): Promise<SendResult> {
    this.#waiting += 1;
    const sent = this.#tail.then(() => this.#post(delivery));
    this.#tail = sent.then(
      () => undefined,
      () => undefined,
    );
    return sent.finally(() => {
      this.#waiting -= 1;
    });
  }

  /** At once, whatever else is queued. */
  async send(delivery: Delivery): Promise<SendResult> {
    this.#waiting += 1;
    try {
      return await this.#post(delivery);
    } finally {
      this.#waiting -= 1;
    }
  }

  waiting(): number {
    return this.#waiting;
  }

  close(): void {
    this.#closed = true;
  }

  async #post(delivery: Delivery): Promise<SendResult> {
    const result = this.#closed ? { delivery, status: 0, body: 'closed' } : await this.#fetch(delivery);
    this.results.push(result);
    const taken = result.status >= 200 && result.status < 500 && result.status !== 429;
    const every = this.#options.redeliverEveryMs;
    if (!taken && every !== undefined && !this.#closed) {
      this.#options.clock.after(every, () => void this.send(this.#options.renew(delivery)));
    }
    return result;
  }

  async #fetch(delivery: Delivery): Promise<SendResult> {
    try {
      const response = await fetch(this.#options.target(), {
        method: 'POST',
        headers: delivery.headers,
        body: delivery.body,
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { delivery, status: response.status, body: await response.text() };
    } catch (error) {
      return { delivery, status: 0, body: error instanceof Error ? error.message : String(error) };
    }
  }
}
