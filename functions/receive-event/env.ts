import * as z from 'zod/mini';
import { required } from '../../shared/runtime/settings.ts';

export const env = z.object({
  TABLE_NAME: required,
  QUEUE_URL: required,
});
