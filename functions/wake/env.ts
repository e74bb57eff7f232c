import * as z from 'zod/mini';
import { heartbeatSettings } from '../../shared/runtime/heartbeat-settings.ts';
import { jsonOf, required } from '../../shared/runtime/settings.ts';

export const env = z.object({
  TABLE_NAME: required,
  QUEUE_URL: required,
  HEARTBEATS: jsonOf(heartbeatSettings),
});
