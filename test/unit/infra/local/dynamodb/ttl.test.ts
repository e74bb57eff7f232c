import { afterEach, expect, it } from 'vitest';
import { call, cleanUp, freshDir, n, open, put, realClock, s } from './support.ts';

afterEach(cleanUp);

const START = Date.parse('2030-01-01T00:00:00Z') / 1_000;

function manualClock() {
  let now = START * 1_000;
  return { ...realClock, now: () => now, moveTo: (seconds: number) => (now = seconds * 1_000) };
}

it('deletes what has expired on the host clock, as the TTL service', async () => {
  const clock = manualClock();
  const db = await open({ clock });
  await put(db, { pk: s('soon'), sk: s('x'), expiresAt: n(START + 60) });
  await put(db, { pk: s('later'), sk: s('x'), expiresAt: n(START + 600) });
  await put(db, { pk: s('never'), sk: s('x') });
  await put(db, { pk: s('text'), sk: s('x'), expiresAt: s(`${START}`) });
  await put(db, { pk: s('ancient'), sk: s('x'), expiresAt: n(START - 6 * 365 * 86_400) });
  const { next } = await db.streams.read('qmoi', undefined, 100);
  expect(await db.sweepTtl()).toBe(0);

  const told: string[] = [];
  db.streams.onWrite((name) => told.push(name));
  clock.moveTo(START + 61);
  expect(await db.sweepTtl()).toBe(1);
  expect(told).toEqual(['qmoi']);
  expect((await call(db, 'Scan', { TableName: 'qmoi' })).body.Count).toBe(4);
  const { records } = await db.streams.read('qmoi', next, 100);
  expect(records).toMatchObject([
    {
      eventName: 'REMOVE',
      userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' },
      dynamodb: { Keys: { pk: s('soon') } },
    },
  ]);
});

it('keeps telling expiry from a delete by a function, also after a restart', async () => {
  const clock = manualClock();
  const dataDir = freshDir();
  const db = await open({ clock, dataDir });
  await put(db, { pk: s('swept'), sk: s('x'), expiresAt: n(START + 1) });
  await put(db, { pk: s('deleted'), sk: s('x'), expiresAt: n(START + 1) });
  await call(db, 'DeleteItem', { TableName: 'qmoi', Key: { pk: s('deleted'), sk: s('x') } });
  clock.moveTo(START + 100);
  await db.sweepTtl();
  await db.close();
  const again = await open({ clock, dataDir });
  const { records } = await again.streams.read('qmoi', undefined, 100);
  const removed = records.filter((record) => record.eventName === 'REMOVE');
  expect(removed.map((record) => [record.dynamodb.Keys.pk, record.userIdentity?.type])).toEqual([
    [s('deleted'), undefined],
    [s('swept'), 'Service'],
  ]);
});

it('sweeps more than one page and counts nobody for it', async () => {
  const clock = manualClock();
  const db = await open({ clock });
  for (let at = 0; at < 1_200; at += 25) {
    const writes = Array.from({ length: 25 }, (_, more) => ({
      PutRequest: {
        Item: { pk: s(`p${at + more}`), sk: s('x'), expiresAt: n(START + ((at + more) % 2 ? 10 : 1_000)) },
      },
    }));
    await call(db, 'BatchWriteItem', { RequestItems: { qmoi: writes } });
  }
  const before = db.units();
  clock.moveTo(START + 100);
  expect(await db.sweepTtl()).toBe(600);
  expect(await db.sweepTtl()).toBe(0);
  expect(db.units()).toEqual(before);
});
