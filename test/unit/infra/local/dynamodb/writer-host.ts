/** A host to be killed: sixteen writers put items without end and print the key of each that was acknowledged. */
import { argv, stdout } from 'node:process';
import { openDynamoDb } from '../../../../../infra/local/dynamodb/index.ts';
import { call, QMOI_TABLE, realClock, s } from './support.ts';

const [, , dataDir = '', round = ''] = argv;
const db = await openDynamoDb({ dataDir, tables: [QMOI_TABLE], clock: realClock, authorize: () => {} });

async function write(writer: number): Promise<void> {
  for (let at = 0; ; at++) {
    const key = `${round}-${writer}-${at}`;
    const item = { pk: s(key), sk: s('x'), lp: s('all'), ls: s(key), filler: s('x'.repeat(500)) };
    // Every fourth write is a transaction of two, which must appear whole or not at all.
    const answer =
      at % 4 === 3
        ? await call(db, 'TransactWriteItems', {
            TransactItems: [
              { Put: { TableName: 'qmoi', Item: item } },
              { Put: { TableName: 'qmoi', Item: { ...item, sk: s('twin') } } },
            ],
          })
        : await call(db, 'PutItem', { TableName: 'qmoi', Item: item });
    if (answer.status === 200) stdout.write(`${key}\n`);
  }
}
await Promise.all(Array.from({ length: 16 }, (_, writer) => write(writer)));
