/** Errors as DynamoDB puts them on the wire. */
import { AwsFault } from '../kernel.ts';
import type { WireAnswer } from './types.ts';

/** DynamoDB's own errors carry its namespace, those of the front end the framework's; clients look behind the `#`. */
const FRAMEWORK = 'com.amazon.coral.service';
const FRAMEWORK_ERRORS = new Set([
  'AccessDeniedException',
  'UnknownOperationException',
  'SerializationException',
  'ThrottlingException',
]);

export function faultAnswer(code: string, message: string, status: number): WireAnswer {
  const namespace = FRAMEWORK_ERRORS.has(code) ? FRAMEWORK : 'com.amazonaws.dynamodb.v20120810';
  // AccessDeniedException alone spells its member with a capital.
  const member = code === 'AccessDeniedException' ? 'Message' : 'message';
  return {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.0' },
    body: Buffer.from(JSON.stringify({ __type: `${namespace}#${code}`, [member]: message })),
  };
}

export function answerOf(error: unknown): WireAnswer {
  if (error instanceof AwsFault) {
    // IAM's refusal has another name in every service.
    const code = error.code.startsWith('AccessDenied') ? 'AccessDeniedException' : error.code;
    return faultAnswer(code, error.message, error.status >= 500 ? error.status : 400);
  }
  // The client library retries it, as it would on AWS; whether the write happened is unknown there, too.
  const reason = error instanceof Error ? error.message : String(error);
  return faultAnswer('InternalServerError', `The request could not be processed: ${reason}`, 500);
}
