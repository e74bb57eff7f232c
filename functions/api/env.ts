import * as z from 'zod/mini';
import { parameterPrefix, required } from '../../shared/runtime/settings.ts';

export const env = z.object({
  TABLE_NAME: required,
  PARAMETER_PREFIX: parameterPrefix,
});
