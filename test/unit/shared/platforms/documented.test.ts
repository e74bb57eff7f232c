import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CDEVENTS } from '../../../../shared/platforms/cloudevents/cdevents.ts';
import { maintenance as maintenanceShape } from '../../../../shared/platforms/cloudevents/maintenance.ts';
import { HEARTBEAT_PLATFORMS, sent } from '../../../../shared/platforms/heartbeat/kept.ts';
import { COMMANDS } from '../../../../shared/runners/index.ts';

const heartbeats = readFileSync('docs/heartbeats.md', 'utf8');
const [events = '', maintenance = ''] = readFileSync('docs/events.md', 'utf8').split('\n## Maintenance\n');
const rows = (text: string) => text.split('\n').filter((line) => line.startsWith('| `'));

it('docs/heartbeats.md names every field, platform and command there is', () => {
  const named = rows(heartbeats).flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name),
  );
  expect(named.sort()).toEqual(Object.keys(sent.shape).sort());
  const host = rows(heartbeats).find((row) => row.startsWith('| `host`')) ?? '';
  for (const name of Object.keys(sent.shape.host.def.innerType.shape)) expect(host).toContain(`\`${name}\``);
  for (const word of [...HEARTBEAT_PLATFORMS, ...COMMANDS]) expect(heartbeats).toContain(`\`${word}\``);
});

it('docs/events.md names every event that is followed, and no other', () => {
  const named = rows(events).flatMap((row) => {
    const [subject = '', predicates = ''] = row
      .split('|')
      .slice(1)
      .map((cell) => cell.trim().replaceAll('`', ''));
    return predicates.split(' ').map((predicate) => `${subject}.${predicate}`);
  });
  expect(named.sort()).toEqual(Object.keys(CDEVENTS).sort());
  const fields = rows(maintenance).map((row) => /`(\w+)`/.exec(row)?.[1]);
  expect(fields.sort()).toEqual(Object.keys(maintenanceShape.def.shape).sort());
});
