import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { type IncomingMessage, request as plain } from 'node:http';
import { request as encrypted } from 'node:https';
import { BlockList, isIP } from 'node:net';
import { failureOf, HttpFailure, type HttpOptions } from './http.ts';

/**
 * Requests to addresses that somebody wrote into a setting: encrypted, to the public internet alone, and wherever the
 * answer points, not followed. What a name stands for is judged when the connection is made, so that it cannot change in between.
 */

/** IANA's registries of special-purpose addresses: https://www.iana.org/assignments/iana-ipv4-special-registry */
const PRIVATE = new BlockList();
for (const [net, bits] of [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
  ] as const),
  ...([
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.88.99.0', 24],
    ['192.168.0.0', 16],
  ] as const),
  ...([
    ['198.18.0.0', 15],
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ] as const),
] as const) {
  PRIVATE.addSubnet(net, bits, 'ipv4');
}
/** Of IPv6, only what is handed out to the public counts as public, and of that not what stands for something else. */
const PUBLIC6 = new BlockList();
PUBLIC6.addSubnet('2000::', 3, 'ipv6');
for (const [net, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  PRIVATE.addSubnet(net, bits, 'ipv6');
}

/** An address that only machines nearby can reach, or that none can. */
export function isPrivateAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return PRIVATE.check(address, 'ipv4');
    case 6:
      return !PUBLIC6.check(address, 'ipv6') || PRIVATE.check(address, 'ipv6');
    default:
      return true;
  }
}

/** Where the request was to go is not a place it may go to. Nothing was sent. */
export class ForbiddenAddress extends HttpFailure {
  constructor(message: string) {
    super(message, false);
  }
}

type Found = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

function lookupPublic(hostname: string, options: LookupOptions, found: Found): void {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const [first] = addresses ?? [];
    if (error !== null || first === undefined) return found(error, '');
    if (addresses.some(({ address }) => isPrivateAddress(address))) {
      return found(new ForbiddenAddress(`${hostname} stands for a private address`), '');
    }
    return options.all ? found(null, addresses) : found(null, first.address, first.family);
  });
}

export interface PublicAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const MAX_ANSWER_BYTES = 64 * 1024;

/** One request. `anywhere`: private addresses and plain HTTP too. Throws `HttpFailure`. */
export async function sendPublic(
  address: string,
  { method = 'GET', headers = {}, body, timeoutMs = 10_000 }: HttpOptions,
  { anywhere = false }: { readonly anywhere?: boolean } = {},
): Promise<PublicAnswer> {
  if (!URL.canParse(address)) throw new ForbiddenAddress('the address is none');
  const url = new URL(address);
  if (url.protocol !== 'https:' && !(anywhere && url.protocol === 'http:')) {
    throw new ForbiddenAddress(`the address is not https: ${url.protocol}`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // Of an address in numbers, no name is looked up.
  if (!anywhere && isIP(host) !== 0 && isPrivateAddress(host))
    throw new ForbiddenAddress(`${host} is a private address`);
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const send = url.protocol === 'https:' ? encrypted : plain;
      const options = { method, headers, signal, agent: false as const, ...(!anywhere && { lookup: lookupPublic }) };
      send(url, options, resolve).once('error', reject).end(body);
    });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (size > MAX_ANSWER_BYTES) break;
      chunks.push(chunk);
    }
    const told = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)]);
    return { status: answer.statusCode ?? 0, headers: new Headers(told), text: Buffer.concat(chunks).toString('utf8') };
  } catch (error) {
    throw failureOf(signal.aborted ? signal.reason : error, undefined);
  }
}
