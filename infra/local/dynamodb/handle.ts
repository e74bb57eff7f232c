/** The wire path of every SDK call: authorise, pass on, count. */
import { ACCOUNT, type Authorize, AwsFault, type Caller, REGION } from '../kernel.ts';
import { isItemOperation, isKnownOperation, isWrite, needsOf } from './call-resources.ts';
import { askForCapacity, takeCapacity, unitsOfFailedWrite } from './capacity.ts';
import type { EngineClient } from './engine-client.ts';
import { TRIM_TABLE } from './engine-file.ts';
import { answerOf } from './faults.ts';
import type { Chaos, DynamoDb, UnitCount, WireAnswer, WireRequest } from './types.ts';
import { withholdMembers } from './withhold.ts';

const TARGET_PREFIX = 'DynamoDB_20120810.';
/** DynamoDB's own limit of one request. */
const REQUEST_LIMIT = 16 * 1024 * 1024;

export interface HandleOptions {
  readonly client: EngineClient;
  readonly authorize: Authorize;
  readonly chaos: Chaos | undefined;
  /** Called once a write was acknowledged by the engine. */
  readonly onWritten: (tableName: string) => void;
}

export function createHandle(options: HandleOptions): Pick<DynamoDb, 'handle' | 'units'> {
  const counts = new Map<string, { calls: number; read: number; write: number }>();

  function count(caller: Caller, operation: string, units: number): void {
    const name = caller.type === 'role' ? caller.functionName : caller.principal;
    const key = `${name} ${operation}`;
    let entry = counts.get(key);
    if (!entry) {
      entry = { calls: 0, read: 0, write: 0 };
      counts.set(key, entry);
    }
    entry.calls++;
    if (isWrite(operation)) entry.write += units;
    else entry.read += units;
  }

  async function answer({ target, body }: WireRequest, caller: Caller): Promise<WireAnswer> {
    const operation = target.startsWith(TARGET_PREFIX) ? target.slice(TARGET_PREFIX.length) : '';
    if (!isKnownOperation(operation)) {
      throw new AwsFault('UnknownOperationException', `${target} is not available in the embedded host.`);
    }
    const input = parseObject(body);
    const { needs, written } = needsOf(operation, input);
    for (const { action, resource } of needs) options.authorize(caller, action, resource);
    if (needs.some(({ resource }) => resource.endsWith(`/${TRIM_TABLE}`))) {
      throw new AwsFault('ResourceNotFoundException', 'Requested resource not found');
    }
    options.chaos?.beforeCall?.('dynamodb', operation, caller);
    if (!isItemOperation(operation)) return tidy(await options.client.send(target, body));

    const sent = withholdMembers(operation, input, body, (kind, members) =>
      Math.min(options.chaos?.leaveUnprocessed?.(kind, members, caller) ?? 0, members - 1),
    );
    const raw = await options.client.send(target, askForCapacity(sent.body, sent.input));
    if (raw.status !== 200) {
      count(caller, operation, isWrite(operation) ? unitsOfFailedWrite(operation, sent.input, raw.body) : 0);
      return raw;
    }
    for (const name of written) options.onWritten(name);
    const { capacities, without } = takeCapacity(raw.body);
    count(
      caller,
      operation,
      capacities.reduce((sum, one) => sum + (one.CapacityUnits ?? 0), 0),
    );
    const asked = input.ReturnConsumedCapacity !== undefined && input.ReturnConsumedCapacity !== 'NONE';
    return { status: 200, headers: unsigned(raw.headers), body: sent.restore(asked ? raw.body : without) };
  }

  return {
    async handle(request, caller) {
      try {
        return await answer(request, caller);
      } catch (error) {
        return answerOf(error);
      }
    },
    units: () =>
      [...counts].map(([key, entry]): UnitCount => {
        const [caller = '', operation = ''] = key.split(' ');
        return { caller, operation, ...entry };
      }),
  };
}

function parseObject(body: Buffer): Readonly<Record<string, unknown>> {
  if (body.length > REQUEST_LIMIT) {
    throw new AwsFault('ValidationException', `The request exceeds ${REQUEST_LIMIT} bytes.`);
  }
  let input: unknown;
  try {
    input = JSON.parse(body.toString('utf8'));
  } catch {
    throw new AwsFault('SerializationException', 'The request is not valid JSON.');
  }
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new AwsFault('SerializationException', 'Start of structure or map found where not expected.');
  }
  return input as Readonly<Record<string, unknown>>;
}

/** The engine's checksum is over the body with the capacity figures. */
function unsigned(headers: WireAnswer['headers']): WireAnswer['headers'] {
  const { 'x-amz-crc32': _, ...rest } = headers;
  return rest;
}

/** Descriptions name the host's account and region, and none of its own tables. */
function tidy(answer: WireAnswer): WireAnswer {
  const text = answer.body
    .toString('utf8')
    .replaceAll(/arn:aws:dynamodb:[a-z0-9-]{0,30}:\d{12}:/g, `arn:aws:dynamodb:${REGION}:${ACCOUNT}:`)
    .replace(`"${TRIM_TABLE}",`, '')
    .replace(new RegExp(`,?"${TRIM_TABLE.replaceAll('.', '\\.')}"`), '');
  return { status: answer.status, headers: unsigned(answer.headers), body: Buffer.from(text) };
}
