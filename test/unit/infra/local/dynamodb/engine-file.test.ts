import { copyFileSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import initSqlJs, { type Database } from 'sql.js';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { withoutWalMark } from '../../../../../infra/local/dynamodb/engine-file.ts';
import { findEngine } from '../../../../../infra/local/dynamodb/engine-process.ts';
import { cleanUp, freshDir, open, put, s } from './support.ts';

afterEach(cleanUp);

/** The statements the engine runs for every write and read of a stream, as they stand in its binary. */
const NEXT_NUMBER =
  'SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = ?1';
const READ_ON = `SELECT event_name, keys_json, new_image, old_image, sequence_number, created_at, user_identity
             FROM _stream_records
             WHERE table_name = ?1 AND shard_id = ?2 AND CAST(sequence_number AS INTEGER) > ?3
             ORDER BY CAST(sequence_number AS INTEGER) ASC
             LIMIT ?4`;

describe('the stream of a file made here', () => {
  let database: Database;

  beforeAll(async () => {
    const dataDir = freshDir();
    const db = await open({ dataDir });
    await put(db, { pk: s('a'), sk: s('b') });
    await db.close();
    const { Database } = await initSqlJs();
    database = new Database(withoutWalMark(readFileSync(join(dataDir, 'dynamodb.db'))));
  });

  const plan = (sql: string): string =>
    database
      .exec(`EXPLAIN QUERY PLAN ${sql.replaceAll(/\?\d/g, "'1'")}`)
      .flatMap((result) => result.values.map((row) => row.at(-1)))
      .join('\n');

  it.each([NEXT_NUMBER, READ_ON])('is searched by the index and never scanned: %s', (sql) => {
    expect(readFileSync(findEngine()).includes(sql)).toBe(true);
    const steps = plan(sql);
    expect(steps).toMatch(/SEARCH _stream_records USING (COVERING )?INDEX qmoi_stream_position \(table_name=\?/);
    expect(steps).not.toMatch(/SCAN|TEMP B-TREE/);
  });

  it('finds the highest number by one step of the index, not by walking the table’s part of it', () => {
    const noted = database.exec(`EXPLAIN ${NEXT_NUMBER.replace('?1', "'qmoi'")}`)[0]?.values ?? [];
    // A maximum taken off the index’s end seeks backwards; a walk would seek forwards and step with Next.
    const opcodes = noted.map((row) => row[1]);
    expect(opcodes).toContain('SeekLE');
    expect(opcodes).not.toContain('Next');
  });

  it('is trimmed by the index', () => {
    const trigger = String(
      database.exec("SELECT sql FROM sqlite_master WHERE name = 'qmoi_stream_trim'")[0]?.values[0]?.[0],
    );
    const statement = trigger
      .slice(trigger.indexOf('DELETE'), trigger.lastIndexOf('END'))
      .replaceAll('NEW.item_json', "'{}'");
    expect(plan(statement)).not.toContain('SCAN');
  });
});

describe('a file that is there already', () => {
  it('is left as it is', async () => {
    const dataDir = freshDir();
    const file = join(dataDir, 'dynamodb.db');
    await (await open({ dataDir })).close();
    const schema = async (): Promise<unknown> => {
      const { Database } = await initSqlJs();
      const database = new Database(withoutWalMark(readFileSync(file)));
      return database.exec('SELECT name, sql FROM sqlite_master ORDER BY name')[0]?.values;
    };
    const before = await schema();
    await (await open({ dataDir })).close();
    expect(await schema()).toEqual(before);
  });

  it('is refused when another program made it', async () => {
    const dataDir = freshDir();
    const { Database } = await initSqlJs();
    writeFileSync(join(dataDir, 'dynamodb.db'), new Database().export());
    await expect(open({ dataDir })).rejects.toThrow('was not made by this host');
    writeFileSync(join(dataDir, 'dynamodb.db'), 'short');
    await expect(open({ dataDir })).rejects.toThrow('was not made by this host');
  });

  it('is refused when another version prepared it', async () => {
    const dataDir = freshDir();
    const file = join(dataDir, 'dynamodb.db');
    await (await open({ dataDir })).close();
    const handle = openSync(file, 'r+');
    writeSync(handle, Buffer.from([0, 0, 0, 99]), 0, 4, 60);
    await expect(open({ dataDir })).rejects.toThrow('preparation 99, expected 1');
  });

  it('is started anew when the first start was cut off half-way', async () => {
    const dataDir = freshDir();
    writeFileSync(join(dataDir, 'dynamodb.db.new'), 'torn');
    const db = await open({ dataDir });
    await put(db, { pk: s('a'), sk: s('b') });
    copyFileSync(join(dataDir, 'dynamodb.db'), join(dataDir, 'copy'));
    expect(readFileSync(join(dataDir, 'copy')).toString('latin1', 68, 72)).toBe('QMOI');
  });
});
