import type { MessageAttribute } from './message.ts';

/** A message as the journal keeps it. Times are ms since the epoch. */
export interface StoredMessage {
  readonly id: string;
  readonly body: string;
  readonly attributes?: Readonly<Record<string, MessageAttribute>>;
  readonly trace?: string;
  readonly sender: string;
  readonly sentAt: number;
  /** The queue it was dead-lettered from. */
  readonly source?: string;
  visibleAt: number;
  receives: number;
  firstReceivedAt?: number;
  /** The consumer itself set `visibleAt`, by ChangeMessageVisibility. */
  postponed?: boolean;
}

interface Due {
  readonly at: number;
  readonly message: StoredMessage;
}

/**
 * The messages of one standard queue: those receivable in order of becoming so, the rest by the time they become visible.
 * A pure data structure: what changes it is decided and journaled by its owner. Every operation is O(log n) or better.
 */
export class Queue {
  readonly #messages = new Map<string, StoredMessage>();
  readonly #ready = new Map<string, StoredMessage>();
  #due: Due[] = [];
  #inFlight = 0;

  /** Receivable at once when `visibleAt` is not after `now`. */
  put(message: StoredMessage, now: number): void {
    this.remove(message.id);
    this.#messages.set(message.id, message);
    if (message.visibleAt <= now) this.#ready.set(message.id, message);
    else this.#wait(message);
  }

  get(id: string): StoredMessage | undefined {
    return this.#messages.get(id);
  }

  remove(id: string): StoredMessage | undefined {
    const message = this.#messages.get(id);
    if (message === undefined) return undefined;
    this.#messages.delete(id);
    if (!this.#ready.delete(id) && message.receives > 0) this.#inFlight--;
    return message;
  }

  /** Takes a message out of sight until `until`; counts as a receive when `receivedAt` is given. */
  hide(message: StoredMessage, until: number, receivedAt?: number): void {
    const waited = !this.#ready.delete(message.id);
    if (waited && message.receives > 0) this.#inFlight--;
    if (receivedAt !== undefined) {
      message.receives++;
      message.firstReceivedAt ??= receivedAt;
      message.postponed = false;
    }
    message.visibleAt = until;
    this.#wait(message);
  }

  /** Makes everything whose time has come receivable; says whether anything was. */
  promote(now: number): boolean {
    let any = false;
    for (let next = this.#nextDue(); next !== undefined && next.at <= now; next = this.#nextDue()) {
      this.#popDue();
      const { message } = next;
      if (message.receives > 0) this.#inFlight--;
      this.#ready.set(message.id, message);
      any = true;
    }
    return any;
  }

  ready(): IterableIterator<StoredMessage> {
    return this.#ready.values();
  }

  isReady(message: StoredMessage): boolean {
    return this.#ready.get(message.id) === message;
  }

  all(): IterableIterator<StoredMessage> {
    return this.#messages.values();
  }

  clear(): void {
    this.#messages.clear();
    this.#ready.clear();
    this.#due = [];
    this.#inFlight = 0;
  }

  get counts(): { visible: number; inFlight: number; delayed: number } {
    const visible = this.#ready.size;
    return { visible, inFlight: this.#inFlight, delayed: this.#messages.size - visible - this.#inFlight };
  }

  get nextVisibleAt(): number | null {
    return this.#nextDue()?.at ?? null;
  }

  #wait(message: StoredMessage): void {
    if (message.receives > 0) this.#inFlight++;
    // Entries of messages deleted or moved since stay until their time; rebuilt before they outweigh the living.
    const waiting = this.#messages.size - this.#ready.size;
    if (this.#due.length > 2 * waiting + 1_000)
      this.#due = this.#due.filter((entry) => this.#isCurrent(entry)).sort(byTime);
    push(this.#due, { at: message.visibleAt, message });
  }

  #isCurrent({ at, message }: Due): boolean {
    return message.visibleAt === at && this.#messages.get(message.id) === message && !this.#ready.has(message.id);
  }

  #nextDue(): Due | undefined {
    for (let top = this.#due[0]; top !== undefined; top = this.#due[0]) {
      if (this.#isCurrent(top)) return top;
      this.#popDue();
    }
    return undefined;
  }

  #popDue(): void {
    pop(this.#due);
  }
}

const byTime = (a: Due, b: Due) => a.at - b.at;

/** A binary heap in an array; a sorted array is one. */
function push(heap: Due[], entry: Due): void {
  let i = heap.length;
  heap.push(entry);
  while (i > 0) {
    const parent = (i - 1) >> 1;
    const above = heap[parent] as Due;
    if (above.at <= entry.at) break;
    heap[i] = above;
    i = parent;
  }
  heap[i] = entry;
}

function pop(heap: Due[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let i = 0;
  for (;;) {
    let child = 2 * i + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && (heap[child + 1] as Due).at < (heap[child] as Due).at) child++;
    const below = heap[child] as Due;
    if (below.at >= last.at) break;
    heap[i] = below;
    i = child;
  }
  heap[i] = last;
}
