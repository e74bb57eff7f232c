import * as z from 'zod/mini';
import { jsonOf, remediationSettings, required } from '../../shared/runtime/settings.ts';

export const env = z.object({
  TABLE_NAME: required,
  QUEUE_URL: required,
  /** The `remediation` section of qmoi.config.yaml, as JSON. */
  REMEDIATION: jsonOf(remediationSettings),
});
