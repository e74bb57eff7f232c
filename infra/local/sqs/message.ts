import { createHash } from 'node:crypto';
import { AwsFault } from '../kernel.ts';

export interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  /** Base64. */
  readonly BinaryValue?: string;
}

type Attributes = Readonly<Record<string, MessageAttribute>>;

/** 1 MiB for one message with its attributes, and for a batch (quota since August 2025). */
export const MAX_BYTES = 1_048_576;
export const MAX_DELAY_SECONDS = 900;
export const MAX_VISIBILITY_SECONDS = 43_200;

const MAX_ATTRIBUTES = 10;
/** What XML 1.0 cannot carry, and so SQS refuses. */
const FORBIDDEN = /[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

export const invalid = (message: string): AwsFault => new AwsFault('InvalidParameterValue', message);

/** What counts against the size limit: the body, and the attributes' names, types and values. */
export function bytesOf(body: string, attributes: Attributes | undefined): number {
  let bytes = Buffer.byteLength(body);
  for (const [name, attribute] of Object.entries(attributes ?? {})) {
    const { DataType = '', StringValue = '', BinaryValue = '' } = attribute;
    bytes += Buffer.byteLength(name) + Buffer.byteLength(DataType);
    bytes += Buffer.byteLength(StringValue) + Buffer.byteLength(BinaryValue, 'base64');
  }
  return bytes;
}

/** Throws as SendMessage does. */
export function checkMessage(body: string, attributes: Attributes | undefined): void {
  if (body === '') throw new AwsFault('MissingParameter', 'The request must contain the parameter MessageBody.');
  if (FORBIDDEN.test(body)) {
    throw new AwsFault('InvalidMessageContents', 'The message contains characters outside the allowed set.');
  }
  const entries = Object.entries(attributes ?? {});
  if (entries.length > MAX_ATTRIBUTES) {
    throw invalid(`Number of message attributes [${entries.length}] exceeds the allowed maximum [${MAX_ATTRIBUTES}].`);
  }
  for (const [name, attribute] of entries) checkAttribute(name, attribute);
  if (bytesOf(body, attributes) > MAX_BYTES) {
    throw invalid(`One or more parameters are invalid. Reason: Message must be shorter than ${MAX_BYTES} bytes.`);
  }
}

function checkAttribute(name: string, { DataType, StringValue, BinaryValue }: MessageAttribute): void {
  if (!/^[\w.-]{1,256}$/.test(name) || name.startsWith('.') || name.endsWith('.')) {
    throw invalid(`The message attribute name '${name}' is invalid.`);
  }
  const kind = DataType.split('.', 1)[0] as string;
  if (!['String', 'Number', 'Binary'].includes(kind)) {
    throw invalid(
      `The type of message (user) attribute '${name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String.`,
    );
  }
  if (!(kind === 'Binary' ? BinaryValue : StringValue)) {
    throw invalid(`The message (user) attribute '${name}' must contain a non-empty value of type '${kind}'.`);
  }
}

export function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

/** As documented under "Calculating the MD5 message digest for message attributes"; clients compare it. */
export function md5OfAttributes(attributes: Attributes): string {
  const hash = createHash('md5');
  const lengthPrefixed = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of Object.keys(attributes).sort()) {
    const { DataType, StringValue, BinaryValue } = attributes[name] as MessageAttribute;
    const binary = DataType.startsWith('Binary');
    lengthPrefixed(Buffer.from(name));
    lengthPrefixed(Buffer.from(DataType));
    hash.update(Buffer.from([binary ? 2 : 1]));
    lengthPrefixed(binary ? Buffer.from(BinaryValue ?? '', 'base64') : Buffer.from(StringValue ?? ''));
  }
  return hash.digest('hex');
}
