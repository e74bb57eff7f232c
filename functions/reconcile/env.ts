import * as z from 'zod/mini';
import { jsonOf, parameterPrefix, reconciliationSettings, required } from '../../shared/runtime/settings.ts';

export const env = z.object({
  TABLE_NAME: required,
  QUEUE_URL: required,
  PARAMETER_PREFIX: parameterPrefix,
  RECONCILIATION: jsonOf(reconciliationSettings),
});
