import { verifyRun } from '../../shared/remediation/index.ts';
import { createStore, systemNow } from '../../shared/runtime/aws.ts';
import { consume } from '../../shared/runtime/consume.ts';
import { env } from './env.ts';

const { TABLE_NAME, QUEUE_URL } = env.parse(process.env);
const deps = { store: createStore(TABLE_NAME), now: systemNow };

/** Ends of later attempts → fixes proved or failed, failures made good, incidents resolved or escalated. */
export const handler = consume(QUEUE_URL, ({ envelope }) => verifyRun(envelope.key, deps));
