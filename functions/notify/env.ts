import * as z from 'zod/mini';
import { parameterPrefix, required } from '../../shared/runtime/settings.ts';

export const env = z.object({
  TABLE_NAME: required,
  QUEUE_URL: required,
  PARAMETER_PREFIX: parameterPrefix,
  /** Where the API is reached from outside, without a slash at its end; empty: nobody said. */
  PUBLIC_URL: z.string(),
  TOPIC_REAL_TIME: required,
  TOPIC_ERROR: required,
  TOPIC_PERFORMANCE: required,
  TOPIC_STATUS: required,
  TOPIC_EMERGENCY: required,
});
