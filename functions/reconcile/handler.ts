import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { platforms } from '../../shared/platforms/index.ts';
import { checkRun, reconcile } from '../../shared/reconciliation/index.ts';
import { createStore, readParameters, systemNow } from '../../shared/runtime/aws.ts';
import { consume } from '../../shared/runtime/consume.ts';
import { createCount, createLogger } from '../../shared/runtime/observability.ts';
import { env } from './env.ts';

const { TABLE_NAME, QUEUE_URL, PARAMETER_PREFIX, RECONCILIATION } = env.parse(process.env);
const deps = {
  store: createStore(TABLE_NAME),
  platforms,
  read: readParameters(PARAMETER_PREFIX),
  settings: RECONCILIATION,
  now: systemNow,
  count: createCount(),
  logger: createLogger(),
};
/** A sweep of one source may still have to read many runs. */
const LAST_SWEEP_MS = 60_000;

/** run.due: a run that has gone on for long is asked for. */
const overdue = consume(QUEUE_URL, ({ envelope }) =>
  checkRun(envelope.key, { ...deps, callsPerHour: RECONCILIATION.callsPerHour }),
);

/** Every few minutes: what the platforms know and no webhook has told → deliveries in the ledger. */
export async function handler(
  event: SQSEvent | Record<string, never>,
  context: Context,
): Promise<SQSBatchResponse | undefined> {
  if ('Records' in event) return overdue(event as SQSEvent);
  const deadline = systemNow() + Math.max(0, context.getRemainingTimeInMillis() - LAST_SWEEP_MS);
  await reconcile({ ...deps, deadline });
  return undefined;
}
