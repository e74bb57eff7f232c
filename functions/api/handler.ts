import { createStore, readParameters } from '../../shared/runtime/aws.ts';
import { createCount, createLogger } from '../../shared/runtime/observability.ts';
import { createApi } from './app.ts';
import { env } from './env.ts';

const { TABLE_NAME, PARAMETER_PREFIX, DIAGNOSIS } = env.parse(process.env);

/** /v1, /healthz and whatever else no other function takes. */
export const handler = createApi({
  store: createStore(TABLE_NAME),
  read: readParameters(PARAMETER_PREFIX),
  declared: DIAGNOSIS.rules,
  logger: createLogger(),
  count: createCount(),
});
