import { braket } from '../../shared/platforms/braket/index.ts';
import { createStore } from '../../shared/runtime/aws.ts';
import { consume } from '../../shared/runtime/consume.ts';
import { done } from '../../shared/runtime/rest.ts';
import { env } from './env.ts';
import { keepEvent } from './keep.ts';

const { TABLE_NAME, QUEUE_URL } = env.parse(process.env);
const deps = { store: createStore(TABLE_NAME), platforms: { braket } };

/** An event of the account's default bus → a kept delivery. */
export const handler = consume(QUEUE_URL, async ({ text }, count) => {
  const { platform, outcome } = await keepEvent(text, deps);
  count('BusEvents', { platform, outcome });
  return done;
});
