import * as z from 'zod/mini';
import { parameterPrefix } from '../../shared/runtime/settings.ts';

export const env = z.object({
  PARAMETER_PREFIX: parameterPrefix,
});
