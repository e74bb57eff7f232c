import { settleFlake } from '../../shared/flakiness/index.ts';
import { closeQuiet } from '../../shared/incidents/index.ts';
import { verifyRun } from '../../shared/remediation/index.ts';
import { createStore, systemNow } from '../../shared/runtime/aws.ts';
import { consume } from '../../shared/runtime/consume.ts';
import { done } from '../../shared/runtime/rest.ts';
import { env } from './env.ts';

const { TABLE_NAME, QUEUE_URL, REMEDIATION } = env.parse(process.env);
const deps = { store: createStore(TABLE_NAME), now: systemNow, settings: REMEDIATION };

/** Ends of later attempts → fixes proved or failed, failures made good, incidents resolved or escalated. */
export const handler = consume(QUEUE_URL, async ({ envelope }) => {
  if (envelope.entity === 'incident') await closeQuiet(deps.store, envelope.key);
  else if (envelope.entity === 'flake') await settleFlake(deps.store, envelope.key);
  else {
    return verifyRun(envelope.key, deps);
  }
  return done;
});
