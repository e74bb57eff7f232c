import { expect, it } from 'vitest';
import { synthesize } from './support/synth.ts';
import { environmentOf, nameOf, ofType } from './support/template.ts';

it('hands the schedules of the settings to whoever watches the time', async () => {
  const heartbeats = {
    backup: { cron: '0 3 * * *', zone: 'Europe/Berlin' },
    signs: { platform: 'qcity', every: '5m' },
  };
  const template = await synthesize({ config: JSON.stringify({ heartbeats }), validate: false });
  const wake = ofType(template, 'AWS::Lambda::Function').find(({ Properties }) => nameOf(Properties) === 'wake');
  expect(JSON.parse(String(environmentOf(wake?.Properties ?? {}).HEARTBEATS))).toEqual(heartbeats);
});

it.each([
  [{ backup: {} }, 'heartbeats.backup in qmoi.config.yaml: it has neither a cron nor a period'],
  [{ backup: { cron: 'nightly' } }, 'heartbeats.backup in qmoi.config.yaml: "nightly" is no cron'],
  [{ backup: { every: '1h', at: 3 } }, 'there is no such setting'],
  [{ 'a b': { every: '1h' } }, 'a source is a name'],
  [
    Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`job-${index}`, { every: '1h' }])),
    'let the jobs declare their schedules themselves',
  ],
])('refuses %j', async (heartbeats, reason) => {
  await expect(synthesize({ config: JSON.stringify({ heartbeats }), validate: false })).rejects.toThrow(reason);
});
