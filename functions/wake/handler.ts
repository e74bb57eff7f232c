import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { createStore } from '../../shared/runtime/aws.ts';
import { consume } from '../../shared/runtime/consume.ts';
import { createCount } from '../../shared/runtime/observability.ts';
import { done } from '../../shared/runtime/rest.ts';
import { declareAutomations, settleAll } from '../../shared/tracking/index.ts';
import { declareHeartbeats } from './declare.ts';
import { env } from './env.ts';
import { sweep } from './wake.ts';

const { TABLE_NAME, QUEUE_URL, HEARTBEATS, AUTOMATIONS } = env.parse(process.env);
const store = createStore(TABLE_NAME);
const count = createCount();

/** control.running: what the stop held back is judged anew at once. */
const released = consume(QUEUE_URL, async () => {
  await sweep(store, { held: true });
  return done;
});

let declared: Promise<void> | undefined;
/** Once a process, as the settings only change with a deployment. */
async function declare(): Promise<void> {
  declared ??= declareHeartbeats(store, HEARTBEATS).then(async () => {
    if ((await declareAutomations(store, AUTOMATIONS)) !== undefined) await settleAll(store);
  });
  try {
    await declared;
  } catch (error) {
    declared = undefined;
    throw error;
  }
}

/** Every minute: whatever is due → `<entity>.due`. */
export async function handler(event: SQSEvent | Record<string, never>): Promise<SQSBatchResponse | undefined> {
  if ('Records' in event) return released(event as SQSEvent);
  await declare();
  const { woken } = await sweep(store, { held: false });
  count('Woken', {}, woken);
  return undefined;
}
