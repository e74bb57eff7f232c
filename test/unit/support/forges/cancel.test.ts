import { expect, it } from 'vitest';
import { type ActionRequest, platforms } from '../../../../shared/platforms/index.ts';
import { Kept, parametersOf } from '../../../support/contract/kept.ts';
import { createForge, manualClock } from '../../../support/forges/index.ts';
import { receiver } from './receiver.ts';

it.each([
  ['github', 'cancel-run', 'refused'],
  ['github', 'force-cancel-run', 'refused'],
  ['gitlab', 'cancel-pipeline', 'done'],
] as const)('%s cancels what has not ended, and says so: %s', async (name, action, again) => {
  const [platform, qmoi] = [platforms[name], await receiver()];
  const clock = manualClock(Date.parse('2026-03-02T10:00:00Z'));
  const forge = await createForge({
    ...{ platform: name, webhookUrl: qmoi.url, secret: 's', token: 't', seed: 7, clock, speed: 1 },
  });
  try {
    const jobs = [
      { name: 'build' },
      { name: 'test', needs: ['build'], durationSeconds: 600 },
      { name: 'ship', needs: ['test'] },
    ];
    const run = forge.repository('acme/shop').run({ jobs });
    const played = run.play();
    clock.advance(60_000);
    expect(run.status).toBe('in_progress');
    const request: ActionRequest = {
      ...{ action, repository: 'acme/shop', externalId: String(run.id), runId: `${name}:${run.id}:1` },
      ...{ attempt: 1, subject: `${name}:${run.id}:1` },
    };
    const client = await platform?.client(parametersOf(forge.settings));
    expect(await client?.lookUp(request)).toBe('did-not-happen');
    expect(await client?.act(request)).toMatchObject({ kind: 'done' });
    clock.drain();
    await played;
    expect(await client?.lookUp(request)).toBe('happened');
    expect(await client?.act(request)).toMatchObject({ kind: again });
    expect(run.conclusion).toBe('cancelled');
    expect(run.jobs.map(({ conclusion }) => conclusion)).toEqual(['success', 'cancelled', 'skipped']);
    if (platform === undefined) throw new Error('no platform');
    expect(new Kept(platform, run.deliveries).run(1)).toMatchObject({ status: 'canceled' });
  } finally {
    await forge.close();
    await qmoi.close();
  }
});
