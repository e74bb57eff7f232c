import { readParameters } from '../../shared/runtime/aws.ts';
import { createLogger } from '../../shared/runtime/observability.ts';
import { createAuthorize } from './authorize.ts';
import { env } from './env.ts';

const { PARAMETER_PREFIX } = env.parse(process.env);

/** Who calls /v1: the master, or nobody. */
export const handler = createAuthorize({ read: readParameters(PARAMETER_PREFIX), logger: createLogger() });
