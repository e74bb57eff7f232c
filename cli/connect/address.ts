import { isIP } from 'node:net';
import { CommandFailure } from '../command.ts';

/** Where webhooks are to be sent. Throws when `platform`'s API, at `apiUrl`, could not reach it. */
export function webhookAddress(given: string | undefined, platform: string, apiUrl: string): string {
  if (given === undefined) {
    throw new CommandFailure(
      'Missing: --url, the address at which the platform reaches QMOI, such as https://qmoi.example.com.',
    );
  }
  if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol)) {
    throw new CommandFailure(`"${given}" is no address.`);
  }
  const url = new URL(given);
  // What runs in a private network may well send to one.
  if (!isPrivate(new URL(apiUrl).hostname)) {
    if (isPrivate(url.hostname)) {
      throw new CommandFailure(
        `Missing: a public address. ${url.hostname} cannot be reached from ${new URL(apiUrl).hostname}.`,
      );
    }
    if (url.protocol !== 'https:')
      throw new CommandFailure('Missing: https. Secrets and code are not sent in the clear.');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}/webhooks/${platform}`;
}

/** Whether a host is no part of the public internet, by its name alone. */
export function isPrivate(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (isIP(host) === 6) return host === '::1' || /^f[cd]|^fe80/.test(host);
  if (isIP(host) === 4) return /^(?:0|10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01]))\./.test(host);
  return !host.includes('.') || /\.(?:local|localhost|internal|lan|home\.arpa|test)$/.test(host);
}
