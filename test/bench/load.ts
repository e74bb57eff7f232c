import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, Forge } from '../support/forges/index.ts';
import { post } from './baselines.ts';

const LOG = [
  'Cloning into "shop"...',
  "fatal: unable to access 'https://github.com/acme/shop.git/': Could not resolve host: github.com",
].join('\n');

/** Runs of one job that have just ended, as deliveries in the order of their facts. `failEvery`: every nth fails of a dead network. */
export function recordedRuns(forge: Forge, count: number, failEvery = 0): Delivery[][] {
  return Array.from({ length: count }, (_, index) => {
    const fails = failEvery > 0 && index % failEvery === failEvery - 1;
    const run = forge.repository(`acme/shop-${index % 8}`).run({
      workflow: 'ci',
      jobs: [
        {
          name: 'build',
          steps: ['Set up job', 'Checkout', 'Install', 'Build', 'Test', 'Complete job'],
          runner: {
            id: 1 + (index % 20),
            name: `runner-${index % 20}`,
            labels: ['self-hosted', 'linux'],
            group: 'Default',
          },
          ...(fails && { outcome: 'failure' as const, thenOnRetry: 'success' as const, log: LOG }),
        },
      ],
    });
    return [...run.record()];
  });
}

export interface Played {
  /** When the last delivery of a run was sent, by the run's id. Milliseconds since the epoch. */
  readonly sentAt: Map<number, number>;
  readonly seconds: number;
  readonly deliveries: number;
  readonly refused: number;
}

/** Sends deliveries at a steady rate, whatever becomes of the earlier ones. */
export async function playSteadily(url: string, deliveries: readonly Delivery[], perSecond: number): Promise<Played> {
  const sentAt = new Map<number, number>();
  const answers: Promise<number>[] = [];
  const started = performance.now();
  for (const [index, delivery] of deliveries.entries()) {
    const wait = started + (index * 1000) / perSecond - performance.now();
    if (wait > 1) await sleep(wait);
    if (delivery.runId !== undefined) sentAt.set(delivery.runId, Date.now());
    answers.push(post(url, delivery).catch(() => 0));
  }
  const statuses = await Promise.all(answers);
  const seconds = (performance.now() - started) / 1000;
  return {
    sentAt,
    seconds,
    deliveries: deliveries.length,
    refused: statuses.filter((status) => status !== 202).length,
  };
}
