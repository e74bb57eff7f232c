import { marshall } from '@aws-sdk/util-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { type EntityEvent, eventOf, publishRecords, type Unpublishable } from '../../../../shared/events/index.ts';

const image = (fields: object = {}) => ({
  ...{ pk: 'run#github:1', sk: 'run#000001', id: 'github:1:1', entity: 'run', version: 3, status: 'running' },
  ...{ statusAt: '2026-01-01T00:00:00.000Z', origin: 'live', attempt: 1, platform: 'github', repository: 'acme/shop' },
  ...fields,
});
const record = (sequence: number, before: object | undefined, after: object | undefined): DynamoDBRecord =>
  ({
    eventName: before === undefined ? 'INSERT' : 'MODIFY',
    dynamodb: {
      SequenceNumber: String(sequence),
      Keys: marshall({ pk: 'p', sk: 's' }),
      ...(before !== undefined && { OldImage: marshall(before) }),
      ...(after !== undefined && { NewImage: marshall(after) }),
    },
  }) as unknown as DynamoDBRecord;

function ports(failing: readonly number[] = []) {
  const seen = { put: [] as EntityEvent[], remembered: [] as EntityEvent[], parked: [] as Unpublishable[] };
  return {
    seen,
    put: async (events: readonly EntityEvent[]) => {
      seen.put.push(...events);
      return failing;
    },
    remember: async (events: readonly EntityEvent[]) => void seen.remembered.push(...events),
    park: async (parked: Unpublishable) => void seen.parked.push(parked),
  };
}

describe('eventOf', () => {
  it('is the change of a status, with what a rule may match on', () => {
    expect(eventOf(image(), image({ status: 'failed', version: 4 }))).toEqual({
      type: 'run.failed',
      envelope: {
        ...{ id: 'run#github:1:1@4', entity: 'run', key: 'github:1:1', from: 'running', to: 'failed', version: 4 },
        ...{ at: '2026-01-01T00:00:00.000Z', origin: 'live', attempt: 1, changed: ['status'] },
        ...{ platform: 'github', repository: 'acme/shop' },
      },
    });
    expect(eventOf(undefined, image())?.envelope.from).toBeNull();
  });

  it('is a watched field, or what wake found due; nothing else', () => {
    const incident = image({ entity: 'incident', status: 'open' });
    expect(eventOf(incident, { ...incident, priority: 1 })?.type).toBe('incident.updated');
    expect(eventOf(incident, { ...incident, wokenAt: 'now' })?.type).toBe('incident.due');
    expect(eventOf(incident, { ...incident, title: 'other' })).toBeUndefined();
    expect(eventOf(image(), undefined)).toBeUndefined();
    expect(eventOf(image(), image({ version: 9, updatedAt: 'later', expiresAt: 1 }))).toBeUndefined();
  });

  it('keeps statuses to itself that only keep the books', () => {
    const delivery = image({ entity: 'delivery', status: 'received' });
    expect(eventOf(undefined, delivery)?.type).toBe('delivery.received');
    expect(eventOf(delivery, { ...delivery, status: 'recorded' })).toBeUndefined();
  });

  it('stays under 8 KB, whatever names the outside chooses', () => {
    const event = eventOf(undefined, image({ repository: 'x'.repeat(300_000), excerpt: 'y'.repeat(300_000) }));
    expect(JSON.stringify(event).length).toBeLessThan(8192);
  });
});

describe('publishRecords', () => {
  const changes = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      record(100 + index, image(), image({ status: 'failed', version: index })),
    );

  it('remembers what follows from deliveries, which have a list of their own', async () => {
    const deliveries = [1, 2].map((n) =>
      record(n, undefined, image({ id: `d${n}`, entity: 'delivery', status: 'received' })),
    );
    const alone = ports();
    await publishRecords(deliveries, alone);
    expect([alone.seen.put.length, alone.seen.remembered]).toEqual([2, []]);
    const mixed = ports();
    await publishRecords([...deliveries, ...changes(1)], mixed);
    expect([mixed.seen.put.length, mixed.seen.remembered.map(({ type }) => type)]).toEqual([3, ['run.failed']]);
  });

  it('asks for everything from the first event that the bus did not take', async () => {
    const fake = ports([2, 4]);
    expect(await publishRecords(changes(6), fake)).toBe('102');
    expect(fake.seen.remembered).toHaveLength(2);
  });

  it('parks what is no entity, with its key, and goes on', async () => {
    const fake = ports();
    const records = [record(1, undefined, { entity: 'ghost', id: 'x' }), ...changes(1)];
    expect(await publishRecords(records, fake)).toBeUndefined();
    expect(fake.seen.parked).toEqual([
      { key: { pk: 'p', sk: 's' }, sequenceNumber: '1', error: expect.stringContaining('ghost') },
    ]);
    expect(fake.seen.put).toHaveLength(1);
  });

  it('calls nobody when nothing happened', async () => {
    const fake = ports();
    expect(await publishRecords([record(1, image(), image({ version: 9 }))], fake)).toBeUndefined();
    expect(fake.seen).toEqual({ put: [], remembered: [], parked: [] });
  });
});
