import type { Context } from 'aws-lambda';
import { platforms } from '../../shared/platforms/index.ts';
import { reconcile } from '../../shared/reconciliation/index.ts';
import { createStore, readParameters, systemNow } from '../../shared/runtime/aws.ts';
import { createCount, createLogger } from '../../shared/runtime/observability.ts';
import { env } from './env.ts';

const { TABLE_NAME, PARAMETER_PREFIX, SETTINGS } = env.parse(process.env);
const deps = {
  store: createStore(TABLE_NAME),
  platforms,
  read: readParameters(PARAMETER_PREFIX),
  settings: SETTINGS,
  now: systemNow,
  count: createCount(),
  logger: createLogger(),
};
/** A sweep of one source may still have to read many runs. */
const LAST_SWEEP_MS = 60_000;

/** Every few minutes: what the platforms know and no webhook has told → deliveries in the ledger. */
export async function handler(_event: unknown, context: Context): Promise<void> {
  const deadline = systemNow() + Math.max(0, context.getRemainingTimeInMillis() - LAST_SWEEP_MS);
  await reconcile({ ...deps, deadline });
}
