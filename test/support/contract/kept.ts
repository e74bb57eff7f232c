import { type Job, machines, type Run } from '../../../shared/model/index.ts';
import type { Platform, PlatformFacts, ReadParameters } from '../../../shared/platforms/index.ts';

/** A delivery as its platform sends it. */
export interface ContractDelivery {
  readonly event: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export const requestOf = ({ headers, body }: ContractDelivery) => ({ headers, body: Buffer.from(body) });

export const factsOf = (platform: Platform, delivery: ContractDelivery): PlatformFacts =>
  platform.normalise({
    event: delivery.event,
    body: Buffer.from(delivery.body),
    contentType: delivery.headers['content-type'] ?? '',
    origin: 'live',
    receivedAt: '2026-01-01T00:00:00.000Z',
  });

/** `QMOI_…` settings as a function reads them. */
export const parametersOf = (settings: Readonly<Record<string, string>>): ReadParameters => {
  const known = Object.entries(settings).map(([name, value]) => [
    name.replace('QMOI_', '').toLowerCase().replaceAll('_', '-'),
    value,
  ]);
  return async () => Object.fromEntries(known) as Record<string, string>;
};

export const readAll = async (log: AsyncIterable<Uint8Array>): Promise<string> => {
  const chunks = [];
  for await (const chunk of log) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
};

/** What a platform is heard to say, or found to be when it is looked at. */
export type Telling = ContractDelivery | PlatformFacts;

/** What `record` would keep. */
export class Kept {
  readonly runs = new Map<string, Run>();
  readonly jobs = new Map<string, Job>();
  constructor(platform: Platform, tellings: readonly Telling[]) {
    for (const telling of tellings) {
      const facts = 'runs' in telling ? telling : factsOf(platform, telling);
      for (let before = ''; before !== this.text; ) {
        before = this.text;
        const { runs, jobs } = platform.place?.(facts, this.known) ?? facts;
        for (const fact of runs) this.runs.set(fact.id, machines.run.merge(this.runs.get(fact.id), fact));
        for (const fact of jobs) this.jobs.set(fact.id, machines.job.merge(this.jobs.get(fact.id), fact));
      }
    }
  }
  get known() {
    return { runs: [...this.runs.values()], jobs: [...this.jobs.values()] };
  }
  /** Everything there is, to compare. */
  get text(): string {
    const { runs, jobs } = this.known;
    return JSON.stringify([...runs, ...jobs].map((item) => JSON.stringify(Object.entries(item).sort())).sort());
  }
  run(attempt: number): Run {
    const found = this.known.runs.find((run) => run.attempt === attempt);
    if (found === undefined) throw new Error(`there is no attempt ${attempt}`);
    return found;
  }
  job(name: string, attempt: number): Job {
    const found = this.known.jobs.find((job) => job.name === name && job.attempt === attempt);
    if (found === undefined) throw new Error(`there is no attempt ${attempt} of ${name}`);
    return found;
  }
}
