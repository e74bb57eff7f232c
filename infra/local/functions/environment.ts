import { randomBytes } from 'node:crypto';
import { type Caller, REGION } from '../kernel.ts';
import type { FunctionDefinition } from '../model/index.ts';

/** Who calls, by access key: each function has its own, made up anew at each start. */
export interface Credentials {
  callerOf(accessKeyId: string): Caller | undefined;
  environmentOf(definition: FunctionDefinition): Readonly<Record<string, string>>;
}

/** The environment that Lambda gives a function, with the endpoint of the emulated services. */
export function createCredentials(functions: readonly FunctionDefinition[], endpoint: string): Credentials {
  const callers = new Map<string, Caller>();
  const environments = new Map<string, Readonly<Record<string, string>>>();
  for (const definition of functions) {
    const accessKeyId = `ASIA${randomBytes(8).toString('hex').toUpperCase()}`;
    callers.set(accessKeyId, { type: 'role', arn: definition.roleArn, functionName: definition.name });
    environments.set(definition.arn, {
      // Reserved variables win over the template's, which may not set them on AWS either.
      ...definition.environment,
      ...passedThrough(),
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: randomBytes(20).toString('hex'),
      AWS_SESSION_TOKEN: randomBytes(20).toString('hex'),
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
      AWS_ENDPOINT_URL: endpoint,
      AWS_EXECUTION_ENV: `AWS_Lambda_${definition.runtime}`,
      AWS_LAMBDA_FUNCTION_NAME: definition.name,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memoryMb),
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${definition.name}`,
      AWS_LAMBDA_LOG_STREAM_NAME: `local/[$LATEST]${accessKeyId.slice(4).toLowerCase()}`,
      LAMBDA_TASK_ROOT: definition.folder,
      LANG: 'en_US.UTF-8',
      TZ: ':UTC',
      _HANDLER: definition.handler,
    });
  }
  return {
    callerOf: (accessKeyId) => callers.get(accessKeyId),
    environmentOf: (definition) => environments.get(definition.arn) ?? {},
  };
}

/** What a machine needs to reach the network and a Lambda sandbox never has: a private authority for TLS. */
function passedThrough(): Record<string, string> {
  const { NODE_EXTRA_CA_CERTS } = process.env;
  return NODE_EXTRA_CA_CERTS === undefined ? {} : { NODE_EXTRA_CA_CERTS };
}
