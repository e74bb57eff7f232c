import { AwsFault } from '../kernel.ts';

export interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  /** Base64. */
  readonly BinaryValue?: string;
}

export type MessageAttributes = Readonly<Record<string, MessageAttribute>>;

/** What a publisher says, as it came; where it goes is said beside it. */
export interface Publication {
  readonly message: string | undefined;
  readonly subject: string | undefined;
  readonly structure: string | undefined;
  readonly attributes: MessageAttributes;
}

/** A publication that was found valid. */
export interface Message {
  readonly subject: string | null;
  readonly attributes: MessageAttributes;
  /** The text for a protocol, which `MessageStructure: json` may give one of its own. */
  textFor(protocol: string): string;
}

/** For one message with its attributes, and for a batch. */
export const MAX_BYTES = 262_144;
/** Twelve SMS at most; SNS takes no longer text for a phone number. */
const MAX_SMS_CHARACTERS = 1_600;

/** What can stand in a mail's header: printable ASCII that begins with no space. */
const SUBJECT = /^[\x21-\x7e][\x20-\x7e]{0,99}$/;
const ATTRIBUTE_NAME = /^[\w-]+(?:\.[\w-]+)*$/;
const RESERVED_NAME = /^(?:aws|amazon)\./i;
const DATA_TYPE = /^(String|Number|Binary)(?:\.[\w.-]{1,200})?$/;

export const invalid = (message: string): AwsFault => new AwsFault('InvalidParameter', `Invalid parameter: ${message}`);
const invalidValue = (message: string): AwsFault => new AwsFault('ParameterValueInvalid', message);

/** Throws as Publish does. */
export function readMessage({ message, subject, structure, attributes }: Publication): Message {
  if (message === undefined) {
    throw new AwsFault(
      'ValidationError',
      "1 validation error detected: Value null at 'message' failed to satisfy constraint: Member must not be null",
    );
  }
  if (message === '') throw invalid('Empty message');
  if (subject !== undefined && !SUBJECT.test(subject)) throw invalid('Subject');
  for (const [name, attribute] of Object.entries(attributes)) checkAttribute(name, attribute);
  if (bytesOf({ message, attributes }) > MAX_BYTES) throw invalid('Message too long');
  return { subject: subject ?? null, attributes, textFor: textsOf(message, structure) };
}

export function checkSms(message: Message): void {
  if (message.textFor('sms').length > MAX_SMS_CHARACTERS) throw invalid('Message too long');
}

/** What counts against the size limit: the text, and the attributes' names, types and values. */
export function bytesOf({ message = '', attributes }: Pick<Publication, 'message' | 'attributes'>): number {
  let bytes = Buffer.byteLength(message);
  for (const [name, { DataType, StringValue = '', BinaryValue = '' }] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(DataType);
    bytes += Buffer.byteLength(StringValue) + Buffer.byteLength(BinaryValue, 'base64');
  }
  return bytes;
}

function textsOf(message: string, structure: string | undefined): Message['textFor'] {
  if (structure === undefined) return () => message;
  if (structure !== 'json') throw invalid('MessageStructure');
  const texts = parseObject(message);
  if (texts === undefined) throw invalid('Message Structure - JSON message body failed to parse');
  const standard = texts.default;
  if (typeof standard !== 'string') throw invalid('Message Structure - No default entry in JSON message body');
  // As documented, an entry that is no text is passed over.
  return (protocol) => {
    const own = Object.hasOwn(texts, protocol) ? texts[protocol] : undefined;
    return typeof own === 'string' ? own : standard;
  };
}

function checkAttribute(name: string, { DataType, StringValue, BinaryValue }: MessageAttribute): void {
  if (name.length > 256 || !ATTRIBUTE_NAME.test(name) || RESERVED_NAME.test(name)) {
    throw invalidValue(`The message attribute name '${name.slice(0, 300)}' is invalid.`);
  }
  const kind = DATA_TYPE.exec(DataType)?.[1];
  if (kind === undefined) {
    throw invalidValue(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    );
  }
  const value = kind === 'Binary' ? BinaryValue : StringValue;
  if (!value || (kind === 'Binary' ? StringValue : BinaryValue)) {
    throw invalidValue(
      `The message attribute '${name}' must contain non-empty message attribute value for message attribute type '${DataType}'.`,
    );
  }
  if (kind === 'Number' && !Number.isFinite(Number(value))) {
    throw invalidValue(`Could not cast message attribute '${name}' value to number.`);
  }
}

/** Undefined for what is no JSON object. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Not JSON at all.
  }
  return undefined;
}
