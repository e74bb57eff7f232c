import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Job, machines, type Run } from '../../shared/model/index.ts';
import { gitlab } from '../../shared/platforms/gitlab/index.ts';
import type { KnownRun, PlatformFacts } from '../../shared/platforms/index.ts';
import { type Hook, PipelineSimulation } from '../support/gitlab-pipeline.ts';

const { place } = gitlab;
if (place === undefined) throw new Error('GitLab does not number attempts itself');

/** What `record` keeps of one pipeline. */
class Kept {
  readonly runs = new Map<string, Run>();
  readonly jobs = new Map<string, Job>();

  get known(): KnownRun {
    return { runs: [...this.runs.values()], jobs: [...this.jobs.values()] };
  }
  merge(facts: PlatformFacts): void {
    for (const fact of facts.runs) this.runs.set(fact.id, machines.run.merge(this.runs.get(fact.id), fact));
    for (const fact of facts.jobs) this.jobs.set(fact.id, machines.job.merge(this.jobs.get(fact.id), fact));
  }
}

const factsOf = ({ event, body }: Hook): PlatformFacts =>
  gitlab.normalise({
    event,
    body: Buffer.from(body),
    contentType: 'application/json',
    origin: 'live',
    receivedAt: '2026-02-02T00:00:00.000Z',
  });

/** Records a delivery as `record` does, one step (a read, a write) at a time, until there is nothing left to write. */
function* recording(hook: Hook, kept: Kept): Generator<void> {
  const facts = factsOf(hook);
  for (let round = 0; round < 8; round++) {
    const placed = place?.(facts, kept.known) ?? facts;
    if (placed.runs.length + placed.jobs.length === 0) return;
    yield;
    for (const fact of placed.runs) {
      kept.merge({ ...placed, runs: [fact], jobs: [] });
      yield;
    }
    for (const fact of placed.jobs) {
      kept.merge({ ...placed, runs: [], jobs: [fact] });
      yield;
    }
  }
  throw new Error('the attempts do not settle');
}

/** Records deliveries by several workers at once, which take their steps as `choose` has it. */
function record(hooks: readonly Hook[], workers = 1, choose: (limit: number) => number = () => 0): Kept {
  const kept = new Kept();
  const waiting = [...hooks];
  const working: Generator<void>[] = [];
  for (;;) {
    while (working.length < workers && waiting.length > 0) working.push(recording(waiting.shift() as Hook, kept));
    if (working.length === 0) return kept;
    const turn = choose(working.length);
    if (working[turn]?.next().done) working.splice(turn, 1);
  }
}

const outcomeOf = ({ runs, jobs }: Kept) => ({
  runs: [...runs.values()]
    .sort((a, b) => a.attempt - b.attempt)
    .map(({ attempt, id, status, endedAt }) => ({ attempt, id, status, endedAt })),
  jobs: Object.fromEntries(
    [...jobs.values()].map(({ externalId, name, attempt, runId, status }) => [
      externalId,
      { name, attempt, runAttempt: Number(runId.split(':')[2]), status },
    ]),
  ),
});

const truthOf = (pipeline: PipelineSimulation) => ({
  runs: pipeline.truth.runs.map((run, index) => ({ attempt: index + 1, id: `gitlab:900:${index + 1}`, ...run })),
  jobs: Object.fromEntries(pipeline.truth.jobs),
});

/** Numbers below any limit, the same ones for the same seed. */
function chooser(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return limit <= 1 ? 0 : (state >>> 8) % limit;
  };
}
const seeds = fc.integer({ min: 0, max: 0xffffffff });
const pipelineOf = (seed: number) => new PipelineSimulation(chooser(seed));

/** A life of a pipeline by its seed, and its hooks in some order, some of them more than once. */
const histories = seeds.chain((seed) => {
  const { hooks } = pipelineOf(seed);
  const indexes = hooks.map((_, index) => index);
  return fc.record({
    seed: fc.constant(seed),
    order: fc
      .tuple(fc.shuffledSubarray(indexes, { minLength: indexes.length }), fc.shuffledSubarray(indexes))
      .map(([all, again]) => [...all, ...again]),
  });
});
const inOrder = ({ hooks }: PipelineSimulation, order: readonly number[]) => order.map((index) => hooks[index] as Hook);
const runs = { numRuns: 80 };

/** Every field of every item. */
const contentOf = ({ runs, jobs }: Kept) => ({ runs: sorted(runs), jobs: sorted(jobs) });
const sorted = <T>(items: Map<string, T>): T[] =>
  [...items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);

describe('the attempts of a GitLab pipeline', () => {
  it('are right when its hooks come in their order', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const pipeline = pipelineOf(seed);
        expect(outcomeOf(record(pipeline.hooks))).toEqual(truthOf(pipeline));
      }),
      runs,
    );
  });

  it('end up right, and all of its items alike, in whatever order and however often its hooks come', () => {
    fc.assert(
      fc.property(histories, ({ seed, order }) => {
        const pipeline = pipelineOf(seed);
        const kept = record(inOrder(pipeline, order));
        expect(outcomeOf(kept)).toEqual(truthOf(pipeline));
        expect(contentOf(kept)).toEqual(contentOf(record(pipeline.hooks)));
      }),
      runs,
    );
  });

  it('end up right when several workers record them at once, each on what it has read', () => {
    fc.assert(
      fc.property(histories, seeds, ({ seed, order }, turns) => {
        const pipeline = pipelineOf(seed);
        const kept = record(inOrder(pipeline, order), 3, chooser(turns));
        expect(outcomeOf(kept)).toEqual(truthOf(pipeline));
        expect(contentOf(kept)).toEqual(contentOf(record(pipeline.hooks)));
      }),
      runs,
    );
  });

  it('end up alike in every order of whatever hooks came through', () => {
    fc.assert(
      fc.property(histories, seeds, fc.nat(), ({ seed, order }, turns, lost) => {
        const pipeline = pipelineOf(seed);
        const kept = order.filter((index) => (index + lost) % 3 !== 0);
        const inTurn = [...new Set(kept)].sort((a, b) => a - b);
        expect(contentOf(record(inOrder(pipeline, kept), 2, chooser(turns)))).toEqual(
          contentOf(record(inOrder(pipeline, inTurn))),
        );
      }),
      runs,
    );
  });

  it('are placed once and for all: placing what was placed changes nothing', () => {
    fc.assert(
      fc.property(histories, ({ seed, order }) => {
        const kept = new Kept();
        for (const hook of inOrder(pipelineOf(seed), order)) {
          const placed = place(factsOf(hook), kept.known);
          expect(place(placed, kept.known)).toEqual(placed);
          kept.merge(placed);
        }
      }),
      runs,
    );
  });
});
