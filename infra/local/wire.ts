import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Chaos } from './chaos.ts';
import type { DynamoDb } from './dynamodb/index.ts';
import type { EventBus } from './events/index.ts';
import { readBody } from './gateway/index.ts';
import { AwsFault, type Caller } from './kernel.ts';
import type { Sns } from './sns/index.ts';
import type { Sqs } from './sqs/index.ts';
import type { Ssm } from './ssm.ts';

const LARGEST_CALL = 20 * 1024 * 1024;

export interface Services {
  readonly dynamodb: DynamoDb;
  readonly bus: EventBus;
  readonly sqs: Sqs;
  readonly sns: Sns;
  readonly ssm: Ssm;
}

export interface WireOptions {
  callerOf(accessKeyId: string): Caller | undefined;
  readonly chaos: Chaos | undefined;
}

export interface Wire {
  readonly server: Server;
  /** Before this every call is answered 503, as the template cannot be resolved before the port is known. */
  connect(services: Services): void;
  /** Calls by function and action, e.g. `record dynamodb:PutItem`. */
  calls(): Record<string, number>;
  busy(): number;
}

type Answer = {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
};

/** The prefix of `x-amz-target` → the service's name in IAM actions. */
const TARGETS: Readonly<Record<string, 'dynamodb' | 'events' | 'ssm' | 'sqs'>> = {
  DynamoDB_20120810: 'dynamodb',
  AWSEvents: 'events',
  AmazonSSM: 'ssm',
  AmazonSQS: 'sqs',
};

/** The one origin that the functions' SDK clients call: told apart by target header or form. */
export function createWire({ callerOf, chaos }: WireOptions): Wire {
  let services: Services | undefined;
  let busy = 0;
  const calls = new Map<string, number>();

  const count = (caller: Caller, service: string, operation: string): void => {
    const who = caller.type === 'role' ? caller.functionName : caller.principal;
    const key = `${who} ${service}:${operation}`;
    calls.set(key, (calls.get(key) ?? 0) + 1);
  };

  const dispatch = async (message: IncomingMessage, body: Buffer): Promise<Answer> => {
    const target = message.headers['x-amz-target'];
    const json = typeof target === 'string';
    const accessKeyId = /Credential=([^/,\s]+)/.exec(message.headers.authorization ?? '')?.[1] ?? '';
    const caller = callerOf(accessKeyId);
    if (!caller) {
      const text = 'The security token included in the request is invalid.';
      return json
        ? jsonFault(new AwsFault('UnrecognizedClientException', text))
        : xmlFault('InvalidClientTokenId', text, 403);
    }
    if (!services) return jsonFault(new AwsFault('ServiceUnavailable', 'The host is starting.', 503));
    if (!json) return query(services, body, caller);

    const dot = target.indexOf('.');
    const service = TARGETS[target.slice(0, dot)];
    const operation = target.slice(dot + 1);
    if (!service) return jsonFault(new AwsFault('UnknownOperationException', `The host does not emulate ${target}.`));
    count(caller, service, operation);
    if (service === 'dynamodb') {
      const answer = await services.dynamodb.handle({ target, body }, caller);
      return { ...answer, type: 'application/x-amz-json-1.0' };
    }
    try {
      const input = body.length === 0 ? {} : (JSON.parse(body.toString('utf8')) as unknown);
      throttle(service, operation, caller);
      const output = await call(services, service, operation, input, caller);
      return { status: 200, type: 'application/x-amz-json-1.1', body: JSON.stringify(output ?? {}) };
    } catch (error) {
      return jsonFault(error);
    }
  };

  const call = async (
    { bus, sqs, ssm }: Services,
    service: 'events' | 'ssm' | 'sqs',
    operation: string,
    input: unknown,
    caller: Caller,
  ): Promise<unknown> => {
    if (service === 'sqs') return sqs.handle(operation, input, caller);
    if (service === 'ssm') return ssm.handle(operation, input, caller);
    if (operation === 'PutEvents' && chaos) return putSomeEvents(bus, input, caller, chaos);
    return bus.handle(operation, input, caller);
  };

  const query = async ({ sns }: Services, body: Buffer, caller: Caller): Promise<Answer> => {
    const form = new URLSearchParams(body.toString('utf8'));
    const operation = form.get('Action') ?? '';
    count(caller, 'sns', operation);
    try {
      throttle('sns', operation, caller);
    } catch (error) {
      return xmlFault((error as AwsFault).code, (error as AwsFault).message, (error as AwsFault).status);
    }
    return { ...(await sns.handleQuery(form, caller)), type: 'text/xml' };
  };

  const throttle = (service: string, operation: string, caller: Caller): void => {
    const who = caller.type === 'role' ? caller.functionName : caller.principal;
    if (!chaos?.strikes(`throttle ${who} ${service}:${operation}`, 0.03)) return;
    const status = service === 'sns' ? 429 : 400;
    const code = service === 'sns' ? 'Throttled' : service === 'sqs' ? 'RequestThrottled' : 'ThrottlingException';
    throw new AwsFault(code, 'Rate exceeded', status);
  };

  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    let answer: Answer;
    try {
      const body = await readBody(message, LARGEST_CALL);
      answer =
        body === 'too-large'
          ? jsonFault(new AwsFault('RequestEntityTooLarge', 'Request too large', 413))
          : await dispatch(message, body);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return;
      answer = jsonFault(error);
    }
    if (response.destroyed) return;
    const length = typeof answer.body === 'string' ? Buffer.byteLength(answer.body) : answer.body.length;
    response.writeHead(answer.status, {
      'content-type': answer.type,
      'x-amzn-requestid': randomUUID(),
      ...answer.headers,
      'content-length': length,
    });
    response.end(answer.body);
  };

  const server = createServer({ keepAliveTimeout: 120_000, noDelay: true }, (message, response) => {
    // The SDK corrects its clock by the date header, which on the manual clock is not the machine's.
    response.sendDate = false;
    busy += 1;
    void handle(message, response).finally(() => {
      busy -= 1;
    });
  });
  return {
    server,
    connect(connected) {
      services = connected;
    },
    calls: () => Object.fromEntries([...calls].sort(([a], [b]) => (a < b ? -1 : 1))),
    busy: () => busy,
  };
}

/** As the cloud does under load: some entries fail although the call succeeds. */
async function putSomeEvents(bus: EventBus, input: unknown, caller: Caller, chaos: Chaos): Promise<unknown> {
  const entries = (input as { Entries?: unknown[] }).Entries;
  const who = caller.type === 'role' ? caller.functionName : '';
  if (!Array.isArray(entries) || entries.length === 0 || !chaos.strikes(`partialPutEvents ${who}`, 0.04)) {
    return bus.handle('PutEvents', input, caller);
  }
  const refused = new Set(entries.map((_, index) => index).filter(() => chaos.random() < 0.5));
  if (refused.size === 0) refused.add(0);
  const kept = entries.filter((_, index) => !refused.has(index));
  const answered =
    kept.length === 0
      ? []
      : ((await bus.handle('PutEvents', { Entries: kept }, caller)) as { Entries: { ErrorCode?: string }[] }).Entries;
  const rest = answered.values();
  const results = entries.map((_, index) =>
    refused.has(index)
      ? { ErrorCode: 'ThrottlingException', ErrorMessage: 'Rate exceeded' }
      : (rest.next().value ?? {}),
  );
  return {
    FailedEntryCount: results.filter((result) => 'ErrorCode' in result && result.ErrorCode).length,
    Entries: results,
  };
}

function jsonFault(error: unknown): Answer {
  const fault = error instanceof AwsFault ? error : undefined;
  if (!fault) process.stderr.write(`aws: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  const code = fault?.code ?? 'InternalServerError';
  const message = fault?.message ?? 'The request processing has failed because of an unknown error.';
  return {
    status: fault?.status ?? 500,
    type: 'application/x-amz-json-1.1',
    body: JSON.stringify({ __type: code, message, Message: message }),
    headers: { 'x-amzn-errortype': code },
  };
}

function xmlFault(code: string, message: string, status: number): Answer {
  const quote = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const sender = status < 500 ? 'Sender' : 'Receiver';
  return {
    status,
    type: 'text/xml',
    body: `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>${sender}</Type><Code>${quote(code)}</Code><Message>${quote(message)}</Message></Error><RequestId>${randomUUID()}</RequestId></ErrorResponse>`,
  };
}
