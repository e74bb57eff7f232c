import { platforms } from '../../shared/platforms/index.ts';
import { createStore, readParameters, systemNow } from '../../shared/runtime/aws.ts';
import { consume } from '../../shared/runtime/consume.ts';
import { diagnoseJob, noteRecovery } from './diagnose-job.ts';
import { env } from './env.ts';

const { TABLE_NAME, QUEUE_URL, PARAMETER_PREFIX, DIAGNOSIS } = env.parse(process.env);
const deps = {
  store: createStore(TABLE_NAME),
  platforms,
  read: readParameters(PARAMETER_PREFIX),
  now: systemNow,
  declared: DIAGNOSIS.rules,
};

/** job.failed → its log read, the failure diagnosed, its incident opened or joined. job.succeeded of a later attempt → flips noted. */
export const handler = consume(QUEUE_URL, ({ envelope, receives }, count) =>
  envelope.to === 'succeeded'
    ? noteRecovery(envelope.key, deps)
    : diagnoseJob(envelope.key, receives, { ...deps, count }),
);
