/** The wire to an engine: keep-alive HTTP, bytes in and bytes out. */
import { Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest, Agent as SecureAgent } from 'node:https';
import type { WireAnswer } from './types.ts';

/** Engines parse these headers and verify nothing; the host has authorised the call before. */
const AUTHORIZATION =
  'AWS4-HMAC-SHA256 Credential=qmoi/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=00';
const AMZ_DATE = '20260101T000000Z';

/** A page is at most 1 MB and a batch 16 MB (DynamoDB's own limits); twice that is not an answer any more. */
const ANSWER_LIMIT = 32 * 1024 * 1024;
const TIMEOUT_MS = 30_000;

/** An error that the engine answered, e.g. `ConditionalCheckFailedException`. */
export class EngineError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.name = 'EngineError';
    this.code = code;
  }
}

/** An answer that is longer than any of DynamoDB's own; the call may be repeated asking for less. */
export class AnswerTooLong extends Error {}

export interface EngineClient {
  /** One call as it stands; rejects only when no answer came. */
  send(target: string, body: Buffer): Promise<WireAnswer>;
  /** One call of the host's own, parsed; throws `EngineError` on anything but 200. */
  call<T>(operation: string, input: unknown): Promise<T>;
  close(): void;
}

/** `origin` may be waited for: an engine that is being restarted answers late, not never. */
export function connect(origin: () => string | Promise<string>): EngineClient {
  // Last in, first out: few sockets stay warm, idle ones die off.
  const options = { keepAlive: true, maxSockets: 64, scheduling: 'lifo' as const };
  const agent = new Agent(options);
  const secureAgent = new SecureAgent(options);

  async function send(target: string, body: Buffer): Promise<WireAnswer> {
    const url = new URL(await origin());
    const secure = url.protocol === 'https:';
    return new Promise((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(
        url,
        {
          method: 'POST',
          agent: secure ? secureAgent : agent,
          timeout: TIMEOUT_MS,
          headers: {
            'content-type': 'application/x-amz-json-1.0',
            'content-length': body.length,
            'x-amz-target': target,
            'x-amz-date': AMZ_DATE,
            authorization: AUTHORIZATION,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > ANSWER_LIMIT)
              request.destroy(new AnswerTooLong(`the engine's answer exceeds ${ANSWER_LIMIT} bytes`));
            else chunks.push(chunk);
          });
          // Destroyed half-way, the answer ends with the reason that the request was destroyed for.
          response.once('error', reject);
          response.once('end', () => {
            const headers: Record<string, string> = {};
            for (const name of ['content-type', 'x-amzn-requestid', 'x-amz-crc32']) {
              const value = response.headers[name];
              if (typeof value === 'string') headers[name] = value;
            }
            const answer = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size);
            resolve({ status: response.statusCode ?? 500, headers, body: answer });
          });
        },
      );
      request.once('timeout', () => request.destroy(new Error(`the engine gave no answer within ${TIMEOUT_MS} ms`)));
      request.once('error', reject);
      request.end(body);
    });
  }

  return {
    send,
    async call<T>(operation: string, input: unknown): Promise<T> {
      const target = operation.includes('.') ? operation : `DynamoDB_20120810.${operation}`;
      const answer = await send(target, Buffer.from(JSON.stringify(input)));
      const parsed = JSON.parse(answer.body.toString('utf8')) as T & {
        __type?: string;
        message?: string;
        Message?: string;
      };
      if (answer.status === 200) return parsed;
      const code = parsed.__type?.split('#').at(-1) ?? `status ${answer.status}`;
      throw new EngineError(code, parsed.message ?? parsed.Message ?? '');
    },
    close() {
      agent.destroy();
      secureAgent.destroy();
    },
  };
}
