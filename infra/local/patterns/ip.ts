import { isIPv4, isIPv6 } from 'node:net';

/** An address as 8 or 32 hexadecimal digits, which compare as addresses do within a family; undefined for other text. */
export function ipDigits(text: string): string | undefined {
  if (isIPv4(text))
    return text
      .split('.')
      .map((part) => hex(Number(part), 2))
      .join('');
  // A zone, and the dotted form of a mapped address, are no addresses to EventBridge.
  if (!/^[0-9a-fA-F:]{2,39}$/.test(text) || !isIPv6(text)) return undefined;
  const [head = '', tail] = text.split('::');
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - groups.length - rest.length }, () => '0');
  const digits = [...groups, ...zeros, ...rest].map((group) => hex(Number.parseInt(group, 16), 4)).join('');
  return digits.startsWith(MAPPED_V4) ? digits.slice(MAPPED_V4.length) : digits;
}

const MAPPED_V4 = `${'0'.repeat(20)}ffff`;

const hex = (value: number, width: number) => value.toString(16).padStart(width, '0');

/** The first and last address of a block, or why it is none. A block of one address is refused, as EventBridge does. */
export function cidrRange(block: string): { first: string; last: string } | string {
  const [address = '', bits, ...more] = block.split('/');
  if (bits === undefined || more.length > 0) return "Malformed CIDR, one '/' required";
  if (!/^\+?\d{1,3}$/.test(bits)) return 'Malformed CIDR, mask bits must be an integer';
  const digits = ipDigits(address);
  if (digits === undefined) return `Nonstandard IP address: ${address}`;
  const width = digits.length * 4;
  if (Number(bits) >= width) return `${width === 32 ? 'IPv4' : 'IPv6'} mask bits must be < ${width}`;
  const host = (1n << BigInt(width - Number(bits))) - 1n;
  const at = (value: bigint) => value.toString(16).padStart(digits.length, '0');
  const value = BigInt(`0x${digits}`);
  return { first: at(value & ~host), last: at(value | host) };
}
