import { platforms } from '../../shared/platforms/index.ts';
import { createStore } from '../../shared/runtime/aws.ts';
import { consume } from '../../shared/runtime/consume.ts';
import { done } from '../../shared/runtime/rest.ts';
import { recordDelivery } from '../../shared/tracking/index.ts';
import { env } from './env.ts';

const { TABLE_NAME, QUEUE_URL } = env.parse(process.env);
const store = createStore(TABLE_NAME);

/** delivery.received → runs, jobs, runners, automations. */
export const handler = consume(QUEUE_URL, async ({ envelope }, count) => {
  const status = await recordDelivery(envelope.key, { store, platforms });
  if (status === 'quarantined') count('DeliveriesQuarantined', { platform: envelope.platform ?? 'unknown' });
  return done;
});
