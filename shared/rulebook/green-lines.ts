import { createHash } from 'node:crypto';
import { redact } from '../diagnosis/index.ts';
import { expiry, greenLinesPartition, pack, type Store, unpack } from '../store/index.ts';

/** Samples of what jobs print when they succeed, against which a new rule is tried. */

const KEEP_DAYS = 30;
/** Samples there are at most: a job takes the place of another one's. */
const SLOTS = 64;
const MAX_LINES = 1_500;
const MAX_LENGTH = 160;
const MAX_BYTES = 60_000;

export class GreenSample {
  readonly #lines: string[] = [];

  /** The first line of a kind. */
  add(text: string): void {
    if (this.#lines.length < MAX_LINES && text.trim() !== '') this.#lines.push(text);
  }

  get text(): string {
    // As a whole, as a key stands on many lines; and before lines are cut, as half a token has no shape any more.
    const whole = redact(this.#lines.map((line) => line.slice(0, 4 * MAX_LENGTH)).join('\n'));
    return whole.replace(/^.*$/gm, (line) => line.slice(0, MAX_LENGTH));
  }
}

export async function keepGreenLines(store: Store, job: string, sample: GreenSample): Promise<void> {
  const lines = pack(Buffer.from(sample.text));
  if (lines.length > MAX_BYTES) return;
  const slot = String(createHash('sha1').update(job).digest().readUInt32BE(0) % SLOTS);
  await store.putItem({ pk: greenLinesPartition, sk: slot, lines, expiresAt: expiry(store.now(), KEEP_DAYS) });
}

/** Lines of one sample each. */
export async function greenLines(store: Store): Promise<string[]> {
  const items = (await store.partition(greenLinesPartition)) as unknown as { lines: Uint8Array }[];
  const samples = await Promise.all(items.map(({ lines }) => unpack(lines, 4 * MAX_LINES * (MAX_LENGTH + 1))));
  return samples.map(String);
}
