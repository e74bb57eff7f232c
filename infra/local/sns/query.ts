import { randomUUID } from 'node:crypto';
import type { Journal } from '../journal.ts';
import { AwsFault, type Caller } from '../kernel.ts';
import { bytesOf, invalid, MAX_BYTES, type MessageAttribute, type Publication } from './message.ts';
import type { Topics } from './topics.ts';
import type { Sns } from './types.ts';
import { element, errorResponse, response } from './xml.ts';

/** The form's fields; of a name given twice the last one counts. */
type Fields = ReadonlyMap<string, string>;
type Operation = (fields: Fields, caller: Caller) => string;

const MAX_BATCH = 10;
const MISSING_TARGET = 'TopicArn or TargetArn Reason: no value for required parameter';

/** The Query protocol over the topics: reading what came in, shaping what goes out. */
export function createHandler(topics: Topics, { journal }: { readonly journal: Journal }): Sns['handleQuery'] {
  const operations: Readonly<Record<string, Operation>> = {
    Publish: (fields, caller) => element('MessageId', publish(topics, fields, caller)),
    PublishBatch: (fields, caller) => publishBatch(topics, fields, caller),
  };
  return async (form, caller) => {
    const requestId = randomUUID();
    try {
      const fields: Fields = new Map(form);
      const action = fields.get('Action') ?? '';
      const run = Object.hasOwn(operations, action) ? operations[action] : undefined;
      if (run === undefined) {
        throw new AwsFault('InvalidAction', `The embedded host does not offer the operation ${action.slice(0, 100)}.`);
      }
      const result = run(fields, caller);
      await journal.flushed();
      return { status: 200, body: response(action, result, requestId) };
    } catch (error) {
      const fault = error instanceof AwsFault ? error : internal(error);
      return { status: fault.status, body: errorResponse(fault, requestId) };
    }
  };
}

function publish(topics: Topics, fields: Fields, caller: Caller): string {
  const { TopicArn, TargetArn, PhoneNumber } = Object.fromEntries(
    ['TopicArn', 'TargetArn', 'PhoneNumber'].map((name) => [name, fields.get(name)]),
  );
  const given = [TopicArn, TargetArn, PhoneNumber].filter((target) => target !== undefined);
  if (given.length === 0) throw invalid(MISSING_TARGET);
  if (given.length > 1) throw invalid('TopicArn, TargetArn and PhoneNumber Reason: only one of them may be given');
  const publication = publicationOf(fields, '');
  if (PhoneNumber !== undefined) return topics.publishSms(caller, PhoneNumber, publication);
  return topics.open(caller, (TopicArn ?? TargetArn) as string).publish(publication);
}

function publishBatch(topics: Topics, fields: Fields, caller: Caller): string {
  const topicArn = fields.get('TopicArn');
  if (topicArn === undefined) throw invalid('TopicArn Reason: no value for required parameter');
  const topic = topics.open(caller, topicArn);
  const entries = batch(fields);
  let succeeded = '';
  let failed = '';
  for (const { id, publication } of entries) {
    try {
      succeeded += element('member', element('MessageId', topic.publish(publication)) + element('Id', id), 'xml');
    } catch (error) {
      if (!(error instanceof AwsFault)) throw error;
      const { code, message } = error;
      const parts = element('Id', id) + element('Code', code) + element('Message', message);
      failed += element('member', parts + element('SenderFault', 'true'), 'xml');
    }
  }
  return element('Successful', succeeded, 'xml') + element('Failed', failed, 'xml');
}

/** The entries of a batch, checked as a whole as AWS does before it looks at any of them. */
function batch(fields: Fields): { id: string; publication: Publication }[] {
  const entries: { id: string; publication: Publication }[] = [];
  for (let n = 1; ; n += 1) {
    const prefix = `PublishBatchRequestEntries.member.${n}.`;
    const id = fields.get(`${prefix}Id`);
    if (id === undefined) break;
    entries.push({ id, publication: publicationOf(fields, prefix) });
    if (entries.length > MAX_BATCH) {
      throw new AwsFault(
        'TooManyEntriesInBatchRequest',
        `The batch request contains more entries than permissible. Maximum number of entries per request are ${MAX_BATCH}.`,
      );
    }
  }
  if (entries.length === 0) throw new AwsFault('EmptyBatchRequest', "The batch request doesn't contain any entries.");
  if (entries.some(({ id }) => !/^[\w-]{1,80}$/.test(id))) {
    throw new AwsFault(
      'InvalidBatchEntryId',
      'The Id of a batch entry in a batch request can only contain alphanumeric characters, hyphens and underscores, at most 80 of them.',
    );
  }
  if (new Set(entries.map(({ id }) => id)).size < entries.length) {
    throw new AwsFault('BatchEntryIdsNotDistinct', 'Two or more batch entries in the request have the same Id.');
  }
  const total = entries.reduce((sum, { publication }) => sum + bytesOf(publication), 0);
  if (total > MAX_BYTES) {
    throw new AwsFault(
      'BatchRequestTooLong',
      `The length of all the batch messages put together is more than the limit of ${MAX_BYTES} bytes.`,
    );
  }
  return entries;
}

function publicationOf(fields: Fields, prefix: string): Publication {
  return {
    message: fields.get(`${prefix}Message`),
    subject: fields.get(`${prefix}Subject`),
    structure: fields.get(`${prefix}MessageStructure`),
    attributes: attributesOf(fields, `${prefix}MessageAttributes.entry.`),
  };
}

function attributesOf(fields: Fields, prefix: string): Record<string, MessageAttribute> {
  const attributes: [string, MessageAttribute][] = [];
  for (let n = 1; ; n += 1) {
    const name = fields.get(`${prefix}${n}.Name`);
    if (name === undefined) break;
    const value = `${prefix}${n}.Value.`;
    attributes.push([
      name,
      {
        DataType: fields.get(`${value}DataType`) ?? '',
        StringValue: fields.get(`${value}StringValue`),
        BinaryValue: fields.get(`${value}BinaryValue`),
      },
    ]);
  }
  return Object.fromEntries(attributes);
}

function internal(error: unknown): AwsFault {
  process.stderr.write(`sns: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return new AwsFault('InternalError', 'The request processing has failed because of an unknown error.', 500);
}
