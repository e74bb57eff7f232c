import * as z from 'zod/mini';
import { required } from '../../shared/runtime/settings.ts';

export const env = z.object({
  TABLE_NAME: required,
  QUEUE_URL: required,
  TOPIC_REAL_TIME: required,
  TOPIC_ERROR: required,
  TOPIC_PERFORMANCE: required,
  TOPIC_STATUS: required,
  TOPIC_EMERGENCY: required,
});
