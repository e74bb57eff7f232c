import * as z from 'zod/mini';
import { automationSettings } from '../../shared/runtime/automation-settings.ts';
import { heartbeatSettings } from '../../shared/runtime/heartbeat-settings.ts';
import { jsonOf, required } from '../../shared/runtime/settings.ts';

export const env = z.object({
  TABLE_NAME: required,
  QUEUE_URL: required,
  HEARTBEATS: jsonOf(heartbeatSettings),
  AUTOMATIONS: jsonOf(automationSettings),
});
