/** Expiry of items as DynamoDB's TTL service does it, by the host's clock. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../kernel.ts';
import { type EngineClient, EngineError } from './engine-client.ts';
import type { Table } from './tables.ts';
import type { WireItem } from './types.ts';

/** Items looked at per call to the engine, which does nothing else meanwhile. */
const PAGE = 500;
const DELETES_AT_ONCE = 8;
/** DynamoDB leaves alone what claims to have expired more than five years ago. */
const FIVE_YEARS_S = 5 * 365 * 24 * 3_600;
/** Deletes remembered; far more than any reader lags behind. */
const REMEMBERED = 50_000;

export interface Ttl {
  sweep(): Promise<number>;
  isTtlDelete(table: Table, keys: WireItem, oldImage: WireItem | undefined): boolean;
}

/**
 * The engine cannot be told on whose behalf an item is deleted, so the sweep notes each delete in `noteFile` before it
 * makes it, and the stream's reader looks it up: also after a crash between the two.
 */
export function createTtl(options: {
  readonly client: EngineClient;
  readonly tables: readonly Table[];
  readonly clock: Clock;
  readonly noteFile: string;
  readonly onDeleted: (tableName: string) => void;
}): Ttl {
  const { client, clock, noteFile } = options;
  const notes = readNotes(noteFile);
  let running: Promise<number> | undefined;

  const noteOf = (table: Table, item: WireItem): string =>
    JSON.stringify([table.name, table.keys.map((key) => item[key]), item[table.ttlAttribute ?? '']]);

  function remember(lines: readonly string[]): void {
    for (const line of lines) notes.add(line);
    if (notes.size <= REMEMBERED) {
      mkdirSync(dirname(noteFile), { recursive: true });
      appendFileSync(noteFile, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
      return;
    }
    const kept = [...notes].slice(-REMEMBERED / 2);
    notes.clear();
    for (const line of kept) notes.add(line);
    writeFileSync(noteFile, kept.map((line) => `${line}\n`).join(''), { mode: 0o600 });
  }

  async function remove(table: Table, item: WireItem): Promise<boolean> {
    try {
      await client.call('DeleteItem', {
        TableName: table.name,
        Key: Object.fromEntries(table.keys.map((key) => [key, item[key]])),
        // An item whose expiry was moved since it was found lives on.
        ConditionExpression: '#ttl = :ttl',
        ExpressionAttributeNames: { '#ttl': table.ttlAttribute },
        ExpressionAttributeValues: { ':ttl': item[table.ttlAttribute ?? ''] },
      });
      return true;
    } catch (error) {
      if (error instanceof EngineError && error.code === 'ConditionalCheckFailedException') return false;
      throw error;
    }
  }

  async function sweepTable(table: Table): Promise<number> {
    const now = Math.floor(clock.now() / 1_000);
    const names = [...table.keys, table.ttlAttribute ?? ''].map((name, at) => [`#k${at}`, name] as const);
    const ttl = `#k${table.keys.length}`;
    let deleted = 0;
    let from: WireItem | undefined;
    do {
      const page = await client.call<{ Items: WireItem[]; LastEvaluatedKey?: WireItem }>('Scan', {
        TableName: table.name,
        Limit: PAGE,
        ProjectionExpression: names.map(([alias]) => alias).join(', '),
        FilterExpression: `attribute_type(${ttl}, :number) AND ${ttl} < :now AND ${ttl} > :floor`,
        ExpressionAttributeNames: Object.fromEntries(names),
        ExpressionAttributeValues: {
          ':number': { S: 'N' },
          ':now': { N: `${now}` },
          ':floor': { N: `${now - FIVE_YEARS_S}` },
        },
        ...(from && { ExclusiveStartKey: from }),
      });
      if (page.Items.length > 0) remember(page.Items.map((item) => noteOf(table, item)));
      for (let at = 0; at < page.Items.length; at += DELETES_AT_ONCE) {
        const batch = page.Items.slice(at, at + DELETES_AT_ONCE).map((item) => remove(table, item));
        deleted += (await Promise.all(batch)).filter(Boolean).length;
      }
      from = page.LastEvaluatedKey;
    } while (from);
    if (deleted > 0) options.onDeleted(table.name);
    return deleted;
  }

  async function sweepAll(): Promise<number> {
    let deleted = 0;
    for (const table of options.tables) if (table.ttlAttribute) deleted += await sweepTable(table);
    return deleted;
  }

  return {
    sweep() {
      running ??= sweepAll().finally(() => {
        running = undefined;
      });
      return running;
    },
    isTtlDelete: (table, keys, oldImage) => {
      const expiry = table.ttlAttribute ? oldImage?.[table.ttlAttribute] : undefined;
      return expiry !== undefined && notes.has(noteOf(table, { ...keys, [table.ttlAttribute ?? '']: expiry }));
    },
  };
}

function readNotes(noteFile: string): Set<string> {
  if (!existsSync(noteFile)) return new Set();
  // A line torn by a crash names no delete that was made.
  return new Set(readFileSync(noteFile, 'utf8').split('\n').filter(Boolean).slice(-REMEMBERED));
}
