import * as z from 'zod/mini';
import { diagnosisSettings } from '../../shared/runtime/diagnosis-settings.ts';
import { jsonOf, parameterPrefix, required } from '../../shared/runtime/settings.ts';

export const env = z.object({
  TABLE_NAME: required,
  PARAMETER_PREFIX: parameterPrefix,
  /** The `diagnosis` section of qmoi.config.yaml, as JSON. */
  DIAGNOSIS: jsonOf(diagnosisSettings),
});
