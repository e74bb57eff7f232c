import type { AwsFault } from '../kernel.ts';

const NAMESPACE = 'http://sns.amazonaws.com/doc/2010-03-31/';
/** What XML 1.0 cannot carry, not even escaped. */
const FORBIDDEN = /[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;
const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** An element around text, or around what is XML already. */
export function element(name: string, content: string, kind: 'text' | 'xml' = 'text'): string {
  return `<${name}>${kind === 'xml' ? content : escapeText(content)}</${name}>`;
}

export function response(action: string, result: string, requestId: string): string {
  const metadata = element('ResponseMetadata', element('RequestId', requestId), 'xml');
  return `<${action}Response xmlns="${NAMESPACE}">${element(`${action}Result`, result, 'xml')}${metadata}</${action}Response>`;
}

export function errorResponse({ code, message, status }: AwsFault, requestId: string): string {
  const parts = element('Type', status < 500 ? 'Sender' : 'Receiver') + element('Code', code);
  const error = element('Error', parts + element('Message', message), 'xml');
  return `<ErrorResponse xmlns="${NAMESPACE}">${error}${element('RequestId', requestId)}</ErrorResponse>`;
}

function escapeText(text: string): string {
  return text.replace(FORBIDDEN, '\uFFFD').replace(/[&<>]/g, (character) => ENTITIES[character] ?? character);
}
