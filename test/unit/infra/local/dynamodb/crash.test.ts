import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { awaitLeftover, findEngine } from '../../../../../infra/local/dynamodb/engine-process.ts';
import type { DynamoDb, StreamRecord } from '../../../../../infra/local/dynamodb/index.ts';
import { call, cleanUp, freshDir, open, put, s } from './support.ts';

afterEach(cleanUp);

/** Engines running on a file in `dataDir`. */
function enginesOn(dataDir: string): number[] {
  const isOurs = (pid: string): boolean => {
    try {
      return (
        readlinkSync(`/proc/${pid}/exe`) === findEngine() &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join(dataDir, 'dynamodb.db'))
      );
    } catch {
      return false;
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isOurs(name))
    .map(Number);
}

async function everything(db: DynamoDb): Promise<{ items: Set<string>; records: StreamRecord[] }> {
  const items = new Set<string>();
  let from: unknown;
  do {
    const page = (
      await call(db, 'Scan', { TableName: 'qmoi', ProjectionExpression: 'pk, sk', ExclusiveStartKey: from })
    ).body;
    for (const { pk, sk } of page.Items as { pk: { S: string }; sk: { S: string } }[]) items.add(`${pk.S} ${sk.S}`);
    from = page.LastEvaluatedKey;
  } while (from);
  const records: StreamRecord[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await db.streams.read('qmoi', after, 1_000);
    if (page.records.length === 0) return { items, records };
    records.push(...page.records);
    after = page.next;
  }
}

describe('kill -9', () => {
  it('of the host, ten times under sixteen writers, loses no acknowledged write and leaves no engine', async () => {
    const dataDir = freshDir();
    const acknowledged: string[] = [];
    for (let round = 0; round < 10; round++) {
      const script = new URL('./writer-host.ts', import.meta.url).pathname;
      const host = spawn(process.execPath, ['--import', 'tsx', script, dataDir, `${round}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let printed = '';
      await new Promise<void>((resolve) => {
        host.stdout.setEncoding('utf8').on('data', (text: string) => {
          printed += text;
          if (printed.length > 1_000 + 700 * round) resolve();
        });
      });
      host.kill('SIGKILL');
      await once(host, 'close');
      acknowledged.push(...printed.split('\n').slice(0, -1));
    }
    // No engine outlives its host: the next holder finds the file free without killing anything.
    await awaitLeftover(findEngine(), join(dataDir, 'dynamodb.db'));
    expect(enginesOn(dataDir)).toEqual([]);

    const { items, records } = await everything(await open({ dataDir }));
    expect(acknowledged.length).toBeGreaterThan(500);
    expect(acknowledged.filter((key) => !items.has(`${key} x`))).toEqual([]);
    const torn = [...items].filter((key) => {
      const [name = '', sk] = key.split(' ');
      return Number(name.split('-')[2]) % 4 === 3 && !items.has(`${name} ${sk === 'x' ? 'twin' : 'x'}`);
    });
    expect(torn).toEqual([]);
    // The stream tells of each item exactly once, and its numbers have no gap and no double.
    const told = records.map(({ dynamodb }) => `${dynamodb.Keys.pk?.S} ${dynamodb.Keys.sk?.S}`);
    expect(new Set(told)).toEqual(items);
    expect(records.map((record) => Number(record.dynamodb.SequenceNumber))).toEqual(records.map((_, at) => at + 1));
  });

  it('of the engine under a living host is healed: calls in flight fail as retryable, later ones go through', async () => {
    const dataDir = freshDir();
    const db = await open({ dataDir });
    const acknowledged: string[] = [];
    const faults = new Set<string>();
    let running = true;
    const writers = Array.from({ length: 16 }, async (_, writer) => {
      for (let at = 0; running; at++) {
        const answer = await call(db, 'PutItem', { TableName: 'qmoi', Item: { pk: s(`${writer}-${at}`), sk: s('x') } });
        if (answer.status === 200) acknowledged.push(`${writer}-${at} x`);
        else faults.add(`${answer.status} ${answer.body.__type}`);
      }
    });
    for (let kill = 0; kill < 4; kill++) {
      const before = acknowledged.length;
      while (acknowledged.length < before + 100) await new Promise((resolve) => setTimeout(resolve, 5));
      for (const pid of enginesOn(dataDir)) process.kill(pid, 'SIGKILL');
    }
    const before = acknowledged.length;
    while (acknowledged.length < before + 100) await new Promise((resolve) => setTimeout(resolve, 5));
    running = false;
    await Promise.all(writers);
    expect([...faults]).toEqual(['500 com.amazonaws.dynamodb.v20120810#InternalServerError']);
    const { items } = await everything(db);
    expect(acknowledged.filter((key) => !items.has(key))).toEqual([]);
    await db.close();
    expect(enginesOn(dataDir)).toEqual([]);
  });
});

it('ends an engine that nothing guards any more', async () => {
  const dataDir = freshDir();
  const file = join(dataDir, 'dynamodb.db');
  await (await open({ dataDir })).close();
  const orphan = spawn(findEngine(), ['serve', '--port', '0', '--db-path', file], { stdio: 'ignore' });
  const gone = once(orphan, 'exit');
  const db = await open({ dataDir });
  expect(await gone).toEqual([null, 'SIGKILL']);
  await put(db, { pk: s('a'), sk: s('b') });
});

it('refuses a data directory that a living host uses, and leaves that host alone', async () => {
  const dataDir = freshDir();
  const db = await open({ dataDir });
  await expect(open({ dataDir })).rejects.toThrow(/in use by another running host/);
  await put(db, { pk: s('a'), sk: s('b') });
});
