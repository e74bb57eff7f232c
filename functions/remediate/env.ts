import * as z from 'zod/mini';
import { controllerSettings } from '../../shared/runtime/controller-settings.ts';
import { jsonOf, parameterPrefix, remediationSettings, required } from '../../shared/runtime/settings.ts';

export const env = z.object({
  TABLE_NAME: required,
  QUEUE_URL: required,
  PARAMETER_PREFIX: parameterPrefix,
  /** The `remediation` section of qmoi.config.yaml, as JSON. */
  REMEDIATION: jsonOf(remediationSettings),
  /** The `controllers` section, as JSON. */
  CONTROLLERS: jsonOf(controllerSettings),
  /** The AWS account that it runs in. */
  ACCOUNT: required,
});
