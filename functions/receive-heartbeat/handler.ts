import type { APIGatewayProxyHandlerV2 } from 'aws-lambda';
import { createStore, readParameters } from '../../shared/runtime/aws.ts';
import { createCount, createLogger } from '../../shared/runtime/observability.ts';
import { problem } from '../../shared/runtime/problem.ts';
import { env } from './env.ts';
import { receive } from './receive.ts';

const { TABLE_NAME, PARAMETER_PREFIX } = env.parse(process.env);
const logger = createLogger();
const deps = { store: createStore(TABLE_NAME), read: readParameters(PARAMETER_PREFIX), count: createCount() };

/** POST /heartbeats → a kept delivery, and what the machine's agent is to do. */
export const handler: APIGatewayProxyHandlerV2 = async (event) => {
  const { requestId } = event.requestContext;
  try {
    return await receive(event, deps);
  } catch (error) {
    logger.error('heartbeat not kept', { requestId, error: error as Error });
    return problem(500, 'The heartbeat could not be kept. Send it again.', requestId);
  }
};
