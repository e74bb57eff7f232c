import * as z from 'zod/mini';
import { jsonOf, parameterPrefix, reconciliationSettings, required } from '../../shared/runtime/settings.ts';

export const env = z.object({
  TABLE_NAME: required,
  PARAMETER_PREFIX: parameterPrefix,
  SETTINGS: jsonOf(reconciliationSettings),
});
