/**
 * The database file. The engine writes its own schema; on the first start only, an index and a trim trigger are added to
 * it, without which every write would scan all stream records ever made (docs/adr/0003-embedded-dynamodb.md).
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { connect } from './engine-client.ts';
import { startEngine } from './engine-process.ts';

/** A table of the host's own: putting `{pk: <table>, through: <sequence number>}` trims that table's stream. */
export const TRIM_TABLE = 'qmoi.stream-trim';

/** SQLite's application id of a file prepared here: "QMOI". Read from the header, without opening the database. */
const APPLICATION_ID = 0x514d4f49;
/** SQLite's user version: raised when what is added below changes. */
const PREPARATION = 1;

/**
 * The newest record stays: the engine numbers a record by the highest number still there plus one, so an emptied stream
 * would start again at 1 and readers would skip all that follows.
 */
const ADDITIONS = `
CREATE INDEX qmoi_stream_position ON _stream_records (table_name, CAST(sequence_number AS INTEGER));
CREATE TRIGGER qmoi_stream_trim AFTER INSERT ON "${TRIM_TABLE}" BEGIN
  DELETE FROM _stream_records
  WHERE table_name = json_extract(NEW.item_json, '$.pk.S')
    AND CAST(sequence_number AS INTEGER) <= CAST(json_extract(NEW.item_json, '$.through.N') AS INTEGER)
    AND CAST(sequence_number AS INTEGER) <
      (SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records
       WHERE table_name = json_extract(NEW.item_json, '$.pk.S'));
END;
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${PREPARATION};
`;

/** Makes `file` when it is absent; else checks that it was made here and leaves it as it is. */
export async function prepareFile(binary: string, file: string): Promise<void> {
  if (existsSync(file)) {
    verify(file);
    return;
  }
  const draft = `${file}.new`;
  for (const suffix of ['', '-wal', '-shm']) rmSync(draft + suffix, { force: true });
  const engine = await startEngine(binary, draft);
  const client = connect(() => engine.origin);
  try {
    await client.call('CreateTable', {
      TableName: TRIM_TABLE,
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    });
  } finally {
    client.close();
    await engine.stop();
  }
  if (existsSync(`${draft}-wal`))
    throw new Error('The embedded DynamoDB engine did not fold its log into the new file.');
  const { default: initSqlJs } = await import('sql.js');
  const sqlite = await initSqlJs();
  const database = new sqlite.Database(withoutWalMark(readFileSync(draft)));
  database.exec(ADDITIONS);
  const handle = openSync(draft, 'w', 0o600);
  writeSync(handle, database.export());
  fsyncSync(handle);
  closeSync(handle);
  database.close();
  renameSync(draft, file);
}

/**
 * Bytes 18 and 19 of the header say 2 for a write-ahead log, which needs shared memory that SQLite in WebAssembly lacks.
 * The log is folded in already; the engine sets the mark again when it opens the file.
 */
export function withoutWalMark(file: Buffer): Buffer {
  const copy = Buffer.from(file);
  copy[18] = 1;
  copy[19] = 1;
  return copy;
}

function verify(file: string): void {
  const header = Buffer.alloc(100);
  const handle = openSync(file, 'r');
  const read = readSync(handle, header, 0, header.length, 0);
  closeSync(handle);
  // https://www.sqlite.org/fileformat.html#the_database_header: user version at 60, application id at 68.
  if (read < header.length || header.readUInt32BE(68) !== APPLICATION_ID) {
    throw new Error(
      `${file} was not made by this host, so it lacks the index that keeps writes fast. Move it away, or choose another QMOI_DATA_DIR.`,
    );
  }
  if (header.readUInt32BE(60) !== PREPARATION) {
    throw new Error(
      `${file} was made by another version of this host (preparation ${header.readUInt32BE(60)}, expected ${PREPARATION}). Move it away, or run that version.`,
    );
  }
}
