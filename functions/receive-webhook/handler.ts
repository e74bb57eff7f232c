import type { APIGatewayProxyHandlerV2 } from 'aws-lambda';
import { platforms } from '../../shared/platforms/index.ts';
import { createStore, readParameters } from '../../shared/runtime/aws.ts';
import { createCount, createLogger } from '../../shared/runtime/observability.ts';
import { problem } from '../../shared/runtime/problem.ts';
import { env } from './env.ts';
import { receive } from './receive.ts';

const { TABLE_NAME, PARAMETER_PREFIX } = env.parse(process.env);
const logger = createLogger();
const deps = {
  store: createStore(TABLE_NAME),
  platforms,
  read: readParameters(PARAMETER_PREFIX),
  count: createCount(),
};

/** POST /webhooks/{platform} → a kept delivery, or the reason why not. */
export const handler: APIGatewayProxyHandlerV2 = async (event) => {
  const { requestId } = event.requestContext;
  try {
    return await receive(event, deps);
  } catch (error) {
    // Not kept, and said so: every platform shows a failed delivery and can send it again.
    logger.error('delivery not kept', { requestId, error: error as Error });
    return problem(500, 'The delivery could not be kept. Send it again.', requestId);
  }
};
