import { describe, expect, it } from 'vitest';
import type { Forge, JobSpec, Platform, RunHandle } from '../support/forges/index.ts';
import { TestHost } from '../support/host.ts';
import { expectContractKept, LOGS, openForge, pipeline, storyOf } from './support/scenario.ts';

interface Case {
  /** Also the name of the job that fails, so that each has an incident of its own. */
  name: string;
  failing: Partial<JobSpec>;
  truth: { effects: number; runs: string[]; fix: string[]; incident: string[]; told: string[] };
}

const FIXED = {
  effects: 1,
  runs: ['failed', 'succeeded'],
  fix: ['succeeded'],
  incident: ['resolved'],
  told: ['incident.open', 'incident.resolved'],
};
const LEFT = { effects: 0, runs: ['failed'], fix: ['refused'], incident: ['open'], told: ['incident.open'] };

/** Another cause each, as GitLab names no step that would tell the incidents apart. */
const cases: readonly Case[] = [
  { name: 'fetch', failing: {}, truth: FIXED },
  { name: 'patient', failing: { logMissingCalls: 2, log: LOGS.reset }, truth: FIXED },
  {
    name: 'unlucky',
    failing: { thenOnRetry: 'failure', log: LOGS.empty },
    truth: {
      effects: 1,
      runs: ['failed', 'failed'],
      fix: ['failed', 'refused'],
      incident: ['escalated'],
      told: ['incident.escalated', 'incident.open'],
    },
  },
  { name: 'compile', failing: { log: LOGS.deterministic }, truth: LEFT },
];

describe.each(['1', '2', '3'])('chaos %s', (chaosSeed) => {
  it('ends as it would without', async () => {
    // GitHub sends nothing again by itself; somebody who looks after it does, and chaos makes that necessary.
    const forges = await Promise.all(
      (['github', 'gitlab'] as const).map((platform) => openForge(platform, { redeliverEveryMs: 200 })),
    );
    // Time is moved on to when a message that failed comes back, so that back-offs cost nothing.
    const host = await TestHost.boot({ forges, chaosSeed, clock: 'manual' });
    try {
      const runs = forges.flatMap((forge) =>
        cases.map((each) => {
          const steps = [`Run ${each.name} on ${forge.platform}`];
          const spec = pipeline(`${each.name}-${forge.platform}`, { logMissingCalls: 0, steps, ...each.failing });
          return { ...each, forge, job: spec.jobs[1]?.name, run: forge.repository(`acme/${each.name}`).run(spec) };
        }),
      );
      await Promise.all(runs.map(({ run }) => run.play()));
      await host.settled(...forges);
      for (const { name, forge, run, truth } of runs) {
        expect({ name, platform: forge.platform, ...(await outcomeOf(host, forge, run)) }).toEqual({
          name,
          platform: forge.platform,
          ...truth,
        });
      }
      // A table that refuses to note what was sent makes QMOI send it again; nothing else is told.
      const outbox = await host.list('outbox');
      const different = new Set(outbox.map(({ topic, subject, message }) => JSON.stringify([topic, subject, message])));
      const told = runs.reduce((sum, { truth }) => sum + truth.told.length, 0);
      expect(different.size, [...different].join('\n')).toBe(told);
      const status = await host.status();
      expect(status.queues.filter(({ consumer, visible }) => consumer === null && visible > 0)).toEqual([]);
      expect(status.chaos).toMatchObject({ seed: chaosSeed });
      expect(Object.keys(status.chaos?.struck ?? {}).length).toBeGreaterThan(2);
      for (const forge of forges) expectContractKept(forge);
    } finally {
      await host.end();
      await Promise.all(forges.map((forge) => forge.close()));
    }
  });
});

async function outcomeOf(host: TestHost, forge: Forge, run: RunHandle): Promise<Case['truth']> {
  const platform: Platform = forge.platform;
  const story = await storyOf(host, platform, run.id);
  return {
    effects: forge.effects.filter(({ runId }) => runId === run.id).length,
    runs: story.runs.map(({ status }) => status),
    fix: story.remediations.map(({ status }) => status),
    incident: story.incidents.map(({ status }) => status),
    told: story.notifications.map(({ event, status }) => (status === 'sent' ? String(event) : status)).sort(),
  };
}
