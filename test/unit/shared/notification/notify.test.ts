import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import type { Envelope } from '../../../../shared/events/index.ts';
import type { Incident } from '../../../../shared/model/index.ts';
import { ChannelRefused, notify, type Publishing } from '../../../../shared/notification/index.ts';
import { Store } from '../../../../shared/store/index.ts';
import { failedRun } from '../../../support/failed-run.ts';
import { type TestTable, withTable } from '../../../support/table.ts';

const engine = withTable();

async function opened(options: { title?: string } = {}) {
  const table = await engine.fresh();
  const { incidentIds } = await failedRun(table.store, { jobs: [{ name: options.title ?? 'test', transient: true }] });
  const key = incidentIds[0] ?? '';
  const incident = await table.store.get('incident', key);
  const envelope: Envelope = {
    ...{ id: `incident#${key}@1`, entity: 'incident', key, from: null, to: 'open', version: 1, changed: [] },
    ...{ at: incident?.statusAt ?? '', origin: 'live' },
  };
  return { table, envelope };
}

/** A channel that takes, refuses or loses messages. */
function channel(table: TestTable, behaviour: ('take' | 'refuse' | 'break')[] = []) {
  const messages: Publishing[] = [];
  const publish = async (message: Publishing) => {
    const what = behaviour.shift() ?? 'take';
    if (what === 'refuse') throw new ChannelRefused('no such topic');
    if (what === 'break') throw new Error('the channel is down');
    messages.push(message);
    return `m${messages.length}`;
  };
  return { messages, deps: { store: table.store, now: () => table.time.now, publish } };
}

const statuses = async (table: TestTable) => {
  const { Items = [] } = await table.client.send(
    new (await import('@aws-sdk/lib-dynamodb')).ScanCommand({ TableName: table.tableName }),
  );
  return Items.filter((item) => item.entity === 'notification').map((item) => item.status);
};

describe('notify', () => {
  it('tells of an incident once, however often the event comes', async () => {
    const { table, envelope } = await opened();
    const { messages, deps } = channel(table);
    for (let round = 0; round < 3; round++) await notify('incident.open', envelope, deps);
    await Promise.all(Array.from({ length: 4 }, () => notify('incident.open', envelope, deps)));
    expect(messages).toEqual([
      expect.objectContaining({ topic: 'error', title: expect.stringContaining('Broken: test') }),
    ]);
    expect(await statuses(table)).toEqual(['sent']);
  });

  it('does not call resolved what the master has merged into another', async () => {
    const { table, envelope } = await opened();
    const { messages, deps } = channel(table);
    const resolve = (fields: { mergedInto?: string }) =>
      table.store.change(
        'incident',
        envelope.key,
        (state) => state && { ...state, status: 'resolved' as const, ...fields },
      );
    await resolve({ mergedInto: 'other:1' });
    await notify('incident.resolved', { ...envelope, to: 'resolved' }, deps);
    expect(messages).toEqual([]);
    await table.store.change('incident', envelope.key, (state) => {
      const { mergedInto: _, ...own } = state as Incident;
      return own;
    });
    await notify('incident.resolved', { ...envelope, to: 'resolved' }, deps);
    expect(messages).toHaveLength(1);
  });

  it('sends again what was cut off, and only that', async () => {
    const { table, envelope } = await opened();
    const { messages, deps } = channel(table, ['break']);
    await expect(notify('incident.open', envelope, deps)).rejects.toThrow('the channel is down');
    await notify('incident.open', envelope, deps);
    await notify('incident.open', envelope, deps);
    expect(messages).toHaveLength(1);
  });

  it('does not send again what it could not record at once', async () => {
    const { table, envelope } = await opened();
    let refusals = 0;
    const client = Object.create(table.client, {
      send: {
        value: async (command: unknown) => {
          if (refusals > 0 && command instanceof PutCommand) {
            refusals--;
            throw new Error('throttled');
          }
          return table.client.send(command as PutCommand);
        },
      },
    }) as typeof table.client;
    const store = new Store({ client, tableName: table.tableName, now: () => table.time.now });
    const { messages, deps } = channel({ ...table, store });
    const publish = async (message: Publishing) => {
      refusals = 2;
      return deps.publish(message);
    };
    expect(await notify('incident.open', envelope, { ...deps, publish })).toEqual({ again: false });
    await notify('incident.open', envelope, { ...deps, publish });
    expect(messages).toHaveLength(1);
    expect(await statuses(table)).toEqual(['sent']);
  });

  it('waits for a worker that may still be sending, and takes over from a dead one', async () => {
    const { table, envelope } = await opened();
    const { messages, deps } = channel(table);
    const dead = { ...deps, publish: () => new Promise<string>(() => undefined) };
    void notify('incident.open', envelope, dead);
    await expect.poll(() => statuses(table)).toEqual(['pending']);
    await expect.poll(async () => (await notify('incident.open', envelope, deps)).again).toBe(true);
    table.time.now += 31_000;
    expect(await notify('incident.open', envelope, deps)).toEqual({ again: false });
    expect(messages).toHaveLength(1);
  });

  it('gives up what the channel refuses for good', async () => {
    const { table, envelope } = await opened();
    const { deps } = channel(table, ['refuse']);
    expect(await notify('incident.open', envelope, deps)).toEqual({ again: false });
    expect(await statuses(table)).toEqual(['failed']);
  });

  it('is silent about what is replayed, old, or gone', async () => {
    const { table, envelope } = await opened();
    const { messages, deps } = channel(table);
    await notify('incident.open', { ...envelope, origin: 'replayed' }, deps);
    await notify('incident.open', { ...envelope, key: 'none:1' }, deps);
    table.time.now += 31 * 60_000;
    await notify('incident.open', envelope, deps);
    // Opened just now, of a failure that is old: its delivery was late.
    await notify('incident.open', { ...envelope, at: new Date(table.time.now).toISOString() }, deps);
    expect(messages).toEqual([]);
  });

  it('tells that an automation stands still, and that it runs again, not that it was switched off before it was known', async () => {
    const table = await engine.fresh();
    const { messages, deps } = channel(table);
    const [key, at] = ['github:7', table.store.now()];
    const identity = {
      id: key,
      platform: 'github',
      externalId: '7',
      repository: 'acme/shop',
      name: 'nightly',
      recent: [],
    };
    await table.store.create('automation', {
      ...{ ...identity, status: 'silent', statusAt: at, origin: 'live', reason: 'it should run every 1 d' },
    });
    const turn = (from: string | null, to: string, version: number) =>
      notify(
        `automation.${to}`,
        {
          id: `automation#${key}@${version}`,
          entity: 'automation',
          key,
          from,
          to,
          version,
          at,
          origin: 'live',
          changed: [],
        },
        deps,
      );
    await turn(null, 'disabled', 1);
    await turn('degraded', 'healthy', 2);
    expect(messages).toEqual([]);
    for (let round = 0; round < 2; round++) await turn('healthy', 'silent', 3);
    // What stands still is as true some hours later.
    table.time.now += 5 * 3_600_000;
    await turn('healthy', 'silent', 4);
    await turn('silent', 'healthy', 5);
    table.time.now = Date.parse(at);
    await turn('silent', 'healthy', 5);
    await turn('failing', 'disabled', 6);
    expect(messages.map(({ topic, title }) => [topic, title])).toEqual([
      ['error', 'Silent: nightly of acme/shop'],
      ['error', 'Silent: nightly of acme/shop'],
      ['status', 'Runs again: nightly of acme/shop'],
      ['status', 'Switched off: nightly of acme/shop'],
    ]);
    expect(messages[0]?.body).toContain('Why:        it should run every 1 d');
  });

  it('tells that QMOI is deaf to a repository, and that it hears again', async () => {
    const table = await engine.fresh();
    const { messages, deps } = channel(table);
    const [key, at] = ['github:acme/shop', table.store.now()];
    await table.store.create('source', {
      ...{ id: key, status: 'failing', statusAt: at, origin: 'live', platform: 'github', repository: 'acme/shop' },
      reason: 'its webhook: it is switched off',
    });
    for (const [to, version] of [
      ['failing', 2],
      ['failing', 2],
      ['active', 3],
    ] as const) {
      const envelope = { id: `source#${key}@${version}`, entity: 'source', key, from: null, to, version } as const;
      await notify(`source.${to}`, { ...envelope, at, origin: 'live', changed: [] }, deps);
    }
    expect(messages.map(({ topic, title }) => [topic, title])).toEqual([
      ['error', 'QMOI may miss what happens in acme/shop (github)'],
      ['status', 'QMOI hears again of acme/shop (github)'],
    ]);
    expect(messages[0]?.body).toContain('its webhook: it is switched off');
  });

  it('never lets a name from outside forge a line of the subject', async () => {
    const { table, envelope } = await opened({ title: `x\r\nBcc: all@example.com ${'é'.repeat(300)}` });
    const { messages, deps } = channel(table);
    await notify('incident.open', envelope, deps);
    expect(messages[0]?.title).toMatch(/^[\x20-\x7e]{1,99}$/);
  });
});
