import { type Authorize, AwsFault, type Caller, type Clock } from '../kernel.ts';
import type { SqsCore } from './core.ts';
import { bytesOf, invalid, MAX_BYTES, type MessageAttribute, md5, md5OfAttributes } from './message.ts';
import type { OutgoingMessage, QueueDefinition, ReceivedMessage, SqsOptions } from './types.ts';

type Fields = Readonly<Record<string, unknown>>;
type Operation = (fields: Fields, queue: QueueDefinition, caller: Caller) => unknown;

const MAX_BATCH = 10;
const MAX_WAIT_SECONDS = 20;

/** The JSON protocol over the core: reading what came in, shaping what goes out. */
export function createHandler(core: SqsCore, { journal, clock, authorize, queues }: SqsOptions) {
  const byUrl = new Map(queues.map((queue) => [queue.url, queue]));
  const byName = new Map(queues.map((queue) => [queue.name, queue]));

  function queueAt(url: unknown): QueueDefinition {
    // The host may be reached by more than one name; the last part of the path is the queue's.
    const queue =
      typeof url === 'string' ? (byUrl.get(url) ?? byName.get(url.slice(url.lastIndexOf('/') + 1))) : undefined;
    if (queue === undefined) throw new AwsFault('QueueDoesNotExist', 'The specified queue does not exist.');
    return queue;
  }

  const operations: Readonly<Record<string, Operation>> = {
    SendMessage: (fields, { arn }, caller) => sendOne(core, fields, arn, caller),
    SendMessageBatch(fields, { arn }, caller) {
      const entries = batch(fields);
      const total = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
      if (total > MAX_BYTES) {
        throw new AwsFault(
          'BatchRequestTooLong',
          `Batch requests cannot be longer than ${MAX_BYTES} bytes. You have sent ${total} bytes.`,
        );
      }
      return each(entries, (entry) => sendOne(core, entry, arn, caller));
    },
    async ReceiveMessage(fields, { arn }, caller) {
      const max = integer(fields, 'MaxNumberOfMessages', 1, MAX_BATCH) ?? 1;
      const visibilityTimeout = integer(fields, 'VisibilityTimeout', 0, 43_200);
      const wait = integer(fields, 'WaitTimeSeconds', 0, MAX_WAIT_SECONDS) ?? 0;
      const until = clock.now() + wait * 1000;
      for (;;) {
        const messages = core.receive(caller, arn, { max, visibilityTimeout });
        if (messages.length > 0) return { Messages: messages.map((message) => selected(message, fields)) };
        if (clock.now() >= until) return {};
        await available(core, clock, arn, until);
      }
    },
    DeleteMessage(fields, { arn }, caller) {
      core.delete(caller, arn, text(fields, 'ReceiptHandle'));
      return {};
    },
    DeleteMessageBatch: (fields, { arn }, caller) =>
      each(batch(fields), (entry) => {
        core.delete(caller, arn, text(entry, 'ReceiptHandle'));
        return {};
      }),
    ChangeMessageVisibility(fields, { arn }, caller) {
      core.changeVisibility(caller, arn, text(fields, 'ReceiptHandle'), seconds(fields));
      return {};
    },
    ChangeMessageVisibilityBatch: (fields, { arn }, caller) =>
      each(batch(fields), (entry) => {
        core.changeVisibility(caller, arn, text(entry, 'ReceiptHandle'), seconds(entry));
        return {};
      }),
    GetQueueAttributes(fields, queue, caller) {
      authorize(caller, 'sqs:GetQueueAttributes', queue.arn);
      return { Attributes: pick(attributesOf(core, queue), names(fields, 'AttributeNames')) };
    },
    PurgeQueue(_fields, { arn }, caller) {
      core.purge(caller, arn);
      return {};
    },
  };

  return async function handle(operation: string, input: unknown, caller: Caller): Promise<unknown> {
    const fields = typeof input === 'object' && input !== null ? (input as Fields) : {};
    if (operation === 'GetQueueUrl') return queueUrl(fields, byName, authorize, caller);
    const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
    if (run === undefined)
      throw new AwsFault('UnsupportedOperation', `${operation} is not offered by the embedded host.`);
    const output = await run(fields, queueAt(fields.QueueUrl), caller);
    // A receive that is lost only leaves the message visible sooner; everything else is a promise.
    if (operation !== 'ReceiveMessage') await journal.flushed();
    return output;
  };
}

function sendOne(core: SqsCore, fields: Fields, arn: string, caller: Caller): Fields {
  const message = outgoing(fields);
  const MessageId = core.send(caller, arn, message);
  const { body, attributes } = message;
  return {
    MessageId,
    MD5OfMessageBody: md5(body),
    ...(attributes !== undefined && { MD5OfMessageAttributes: md5OfAttributes(attributes) }),
  };
}

function outgoing(fields: Fields): OutgoingMessage {
  const attributes = attributeMap(fields, 'MessageAttributes');
  const system = attributeMap(fields, 'MessageSystemAttributes');
  return {
    body: text(fields, 'MessageBody'),
    attributes,
    delaySeconds: integer(fields, 'DelaySeconds', 0, 900),
    trace: system?.AWSTraceHeader?.StringValue,
  };
}

function sizeOf(entry: Fields): number {
  return bytesOf(text(entry, 'MessageBody'), attributeMap(entry, 'MessageAttributes'));
}

/** Undefined when there are none; what the values hold is the message's own check. */
function attributeMap(fields: Fields, name: string): Readonly<Record<string, MessageAttribute>> | undefined {
  const map = fields[name] ?? {};
  const isMap = (value: unknown): value is Fields =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const isAttribute = (value: unknown) =>
    isMap(value) &&
    typeof value.DataType === 'string' &&
    ['string', 'undefined'].includes(typeof value.StringValue) &&
    ['string', 'undefined'].includes(typeof value.BinaryValue);
  if (!isMap(map) || !Object.values(map).every(isAttribute))
    throw invalid(`${name} must map names to a DataType with its value.`);
  return Object.keys(map).length > 0 ? (map as Readonly<Record<string, MessageAttribute>>) : undefined;
}

/** The entries of a batch request, checked as a whole as AWS does before it looks at any of them. */
function batch(fields: Fields): Fields[] {
  const entries = Array.isArray(fields.Entries) ? (fields.Entries as Fields[]) : [];
  if (entries.length === 0)
    throw new AwsFault('EmptyBatchRequest', 'There should be at least one entry in the request.');
  if (entries.length > MAX_BATCH) {
    throw new AwsFault(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${MAX_BATCH}. You have sent ${entries.length}.`,
    );
  }
  const ids = entries.map((entry) => text(entry, 'Id'));
  if (ids.some((id) => !/^[\w-]{1,80}$/.test(id))) {
    throw new AwsFault(
      'InvalidBatchEntryId',
      'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
    );
  }
  if (new Set(ids).size < ids.length)
    throw new AwsFault('BatchEntryIdsNotDistinct', 'Ids of the entries are not distinct.');
  return entries;
}

/** A batch succeeds and fails by entry, except for what concerns all of them: rights and the queue. */
function each(entries: readonly Fields[], run: (entry: Fields) => Fields) {
  const Successful: Fields[] = [];
  const Failed: Fields[] = [];
  for (const entry of entries) {
    try {
      Successful.push({ Id: entry.Id, ...run(entry) });
    } catch (error) {
      if (!(error instanceof AwsFault) || error.status !== 400) throw error;
      Failed.push({ Id: entry.Id, Code: error.code, Message: error.message, SenderFault: true });
    }
  }
  return { Successful, Failed };
}

/** Resolves when the queue may have something, at the latest at `until`. */
function available(core: SqsCore, clock: Clock, arn: string, until: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancelTimer();
      stopListening();
      resolve();
    };
    const cancelTimer = clock.at(until, done);
    const stopListening = core.onAvailable(arn, done);
  });
}

function selected(message: ReceivedMessage, fields: Fields): Fields {
  const wanted = [...names(fields, 'AttributeNames'), ...names(fields, 'MessageSystemAttributeNames')];
  const attributes = pick(message.Attributes, wanted);
  const custom = pick(message.MessageAttributes ?? {}, names(fields, 'MessageAttributeNames'));
  const { MessageId, ReceiptHandle, MD5OfBody, Body } = message;
  return {
    MessageId,
    ReceiptHandle,
    MD5OfBody,
    Body,
    ...(Object.keys(attributes).length > 0 && { Attributes: attributes }),
    ...(Object.keys(custom).length > 0 && {
      MessageAttributes: custom,
      MD5OfMessageAttributes: md5OfAttributes(custom),
    }),
  };
}

/** `All`, `.*`, a name, or a prefix ending in `.*`. */
function pick<T>(record: Readonly<Record<string, T>>, wanted: readonly string[]): Record<string, T> {
  const takes = (name: string) =>
    wanted.some((w) => w === 'All' || w === name || (w.endsWith('.*') && name.startsWith(w.slice(0, -2))));
  return Object.fromEntries(Object.entries(record).filter(([name]) => takes(name)));
}

function attributesOf(core: SqsCore, queue: QueueDefinition): Record<string, string> {
  const depth = core.depths()[queue.name];
  return {
    QueueArn: queue.arn,
    ApproximateNumberOfMessages: String(depth?.visible ?? 0),
    ApproximateNumberOfMessagesDelayed: String(depth?.delayed ?? 0),
    ApproximateNumberOfMessagesNotVisible: String(depth?.inFlight ?? 0),
    VisibilityTimeout: String(queue.visibilityTimeout ?? 30),
    DelaySeconds: String(queue.delaySeconds ?? 0),
    MessageRetentionPeriod: String(queue.retention ?? 345_600),
    MaximumMessageSize: String(MAX_BYTES),
    ...(queue.redrive !== undefined && { RedrivePolicy: JSON.stringify(queue.redrive) }),
  };
}

function queueUrl(fields: Fields, byName: ReadonlyMap<string, QueueDefinition>, authorize: Authorize, caller: Caller) {
  const queue = byName.get(text(fields, 'QueueName'));
  if (queue === undefined) throw new AwsFault('QueueDoesNotExist', 'The specified queue does not exist.');
  authorize(caller, 'sqs:GetQueueUrl', queue.arn);
  return { QueueUrl: queue.url };
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string')
    throw new AwsFault('MissingParameter', `The request must contain the parameter ${name}.`);
  return value;
}

function names(fields: Fields, name: string): string[] {
  const value = fields[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function integer(fields: Fields, name: string, min: number, max: number): number | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw invalid(
      `Value ${String(value)} for parameter ${name} is invalid. Reason: Must be between ${min} and ${max}, if provided.`,
    );
  }
  return value;
}

function seconds(fields: Fields): number {
  const value = integer(fields, 'VisibilityTimeout', 0, 43_200);
  if (value === undefined)
    throw new AwsFault('MissingParameter', 'The request must contain the parameter VisibilityTimeout.');
  return value;
}
