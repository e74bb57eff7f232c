/**
 * Puts per second of the embedded DynamoDB as its stream grows to 100,000 records, with the index of ADR 0003 and, for
 * comparison, on the engine's own file without it; then what the host's wire path adds to a call. About two minutes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine } from '../../infra/local/dynamodb/engine.ts';
import { connect, type EngineClient } from '../../infra/local/dynamodb/engine-client.ts';
import { findEngine, startEngine } from '../../infra/local/dynamodb/engine-process.ts';
import { openDynamoDb, type TableResource } from '../../infra/local/dynamodb/index.ts';
import { ensureTable } from '../../infra/local/dynamodb/tables.ts';
import type { Caller } from '../../infra/local/kernel.ts';

const WRITERS = 16;
const SAMPLE_MS = 1_500;
const key = (name: string) => ({ AttributeName: name, AttributeType: 'S' });
const index = (name: string, partition: string, sort: string) => ({
  IndexName: name,
  KeySchema: [
    { AttributeName: partition, KeyType: 'HASH' },
    { AttributeName: sort, KeyType: 'RANGE' },
  ],
  Projection: { ProjectionType: 'KEYS_ONLY' },
});
const TABLE: TableResource = {
  name: 'qmoi',
  type: 'AWS::DynamoDB::Table',
  properties: {
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: ['pk', 'sk', 'lp', 'ls', 'bp', 'wp', 'wakeAt'].map(key),
    StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
    GlobalSecondaryIndexes: [index('list', 'lp', 'ls'), index('by-parent', 'bp', 'ls'), index('wake', 'wp', 'wakeAt')],
  },
};

let serial = 0;
function item(): object {
  serial++;
  return {
    pk: { S: `run#github:${serial}` },
    sk: { S: 'state' },
    lp: { S: `run#2026-01-01#${serial % 8}` },
    ls: { S: `${serial}` },
    version: { N: '1' },
    detail: { M: { text: { S: 'x'.repeat(700) } } },
  };
}

async function rate(call: () => Promise<unknown>): Promise<number> {
  let done = 0;
  const start = performance.now();
  const writer = async (): Promise<void> => {
    while (performance.now() - start < SAMPLE_MS) {
      await call();
      done++;
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  return (done / (performance.now() - start)) * 1_000;
}

async function fillTo(client: EngineClient, records: number, have: number): Promise<void> {
  for (let at = have; at < records; at += 25) {
    const writes = Array.from({ length: 25 }, () => ({ PutRequest: { Item: item() } }));
    await client.call('BatchWriteItem', { RequestItems: { qmoi: writes } });
  }
}

async function growth(name: string, client: EngineClient, stages: readonly number[]): Promise<void> {
  let have = 0;
  for (const stage of stages) {
    await fillTo(client, stage, have);
    const before = serial;
    const perSecond = await rate(() => client.call('PutItem', { TableName: 'qmoi', Item: item() }));
    have = stage + serial - before;
    console.log(`${name.padEnd(16)} ${String(stage).padStart(7)} records  ${perSecond.toFixed(0).padStart(6)} puts/s`);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'qmoi-bench-'));
try {
  const bare = await startEngine(findEngine(), join(folder, 'bare.db'));
  const bareClient = connect(() => bare.origin);
  await ensureTable(bareClient, TABLE);
  await growth('without index', bareClient, [0, 5_000, 10_000]);
  bareClient.close();
  await bare.stop();

  const engine = await openEngine(join(folder, 'prepared'));
  const client = connect(engine.origin);
  await ensureTable(client, TABLE);
  await growth('with index', client, [0, 20_000, 50_000, 100_000]);
  client.close();
  await engine.close();

  const wire = await openEngine(join(folder, 'wire'));
  const direct = connect(wire.origin);
  await ensureTable(direct, TABLE);
  const caller: Caller = { type: 'role', arn: 'arn:aws:iam::000000000000:role/bench', functionName: 'bench' };
  const clock = { now: () => Date.now(), at: () => () => {} };
  const db = await openDynamoDb({ dataDir: join(folder, 'handle'), tables: [TABLE], clock, authorize: () => {} });
  const target = 'DynamoDB_20120810.PutItem';
  const body = (extra = 0): Buffer =>
    Buffer.from(JSON.stringify({ TableName: 'qmoi', Item: { ...item(), extra: { S: 'x'.repeat(extra) } } }));
  const ways = {
    direct: (extra?: number) => direct.send(target, body(extra)),
    'through handle': (extra?: number) => db.handle({ target, body: body(extra) }, caller),
  };
  for (let round = 0; round < 3; round++) {
    for (const [name, send] of Object.entries(ways)) {
      console.log(
        `${name.padEnd(16)} ${(await rate(() => send())).toFixed(0).padStart(6)} puts/s by ${WRITERS} writers`,
      );
    }
  }
  for (const [extra, puts] of [
    [0, 2_000],
    [350_000, 100],
  ] as const) {
    for (const [name, send] of Object.entries(ways)) {
      const cpu = process.cpuUsage();
      const start = performance.now();
      for (let at = 0; at < puts; at++) await send(extra);
      const took = (performance.now() - start) / puts;
      const { user, system } = process.cpuUsage(cpu);
      console.log(
        `${name.padEnd(16)} ${took.toFixed(3)} ms a put of ${1 + Math.round(extra / 1_024)} KB, ${((user + system) / 1_000 / puts).toFixed(3)} ms of it this process's CPU`,
      );
    }
  }
  let records = 0;
  let after: string | undefined;
  const start = performance.now();
  for (;;) {
    const page = await db.streams.read('qmoi', after, 100);
    if (page.records.length === 0) break;
    records += page.records.length;
    after = page.next;
  }
  console.log(
    `stream           ${((records / (performance.now() - start)) * 1_000).toFixed(0).padStart(6)} records/s in pages of 100`,
  );
  direct.close();
  await wire.close();
  await db.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
