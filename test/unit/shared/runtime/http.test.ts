import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  bytesOf,
  followed,
  HttpFailure,
  redirectTarget,
  secondsToWait,
  send,
  textOf,
} from '../../../../shared/runtime/http.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const failure = (promise: Promise<unknown>) => promise.catch((error: unknown) => error as HttpFailure);

describe('a request', () => {
  it('that nobody listens to was not sent', async () => {
    const url = await serve(() => undefined);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(await failure(send(url))).toMatchObject({ name: 'HttpFailure', sent: false });
    expect(await failure(send('http://does-not-exist.invalid/'))).toMatchObject({ sent: false });
    expect(await failure(send('no address'))).toMatchObject({ sent: false });
  });

  it('without an answer may have been sent', async () => {
    const cut = await serve((request) => request.socket.destroy());
    expect(await failure(send(cut, { method: 'POST' }))).toMatchObject({ name: 'HttpFailure', sent: true });
    const slow = await serve(() => undefined);
    expect(await failure(send(slow, { timeoutMs: 20 }))).toMatchObject({ message: 'no answer in time', sent: true });
  });

  it('ends with the caller’s own reason when the caller gives up', async () => {
    const slow = await serve(() => undefined);
    const giveUp = AbortSignal.abort(new Error('enough'));
    await expect(send(slow, { signal: giveUp })).rejects.toThrow('enough');
  });

  it('is not redirected by itself', async () => {
    const url = await serve((_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end());
    expect((await send(url)).status).toBe(302);
  });
});

describe('an answer', () => {
  const endless: RequestListener = (_, response) => {
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(10_000)));
      response.once('drain', more);
    };
    more();
  };

  it('is read up to a limit, and is no answer beyond it', async () => {
    const url = await serve(endless);
    expect(await failure(textOf(await send(url), 100_000))).toBeInstanceOf(HttpFailure);
    let bytes = 0;
    for await (const chunk of bytesOf(await send(url), 12_345, { beyond: 'end' })) bytes += chunk.byteLength;
    expect(bytes).toBe(12_345);
  });

  it('that takes too long to come is no answer', async () => {
    const url = await serve((_, response) => response.write('x'));
    const clock = new AbortController();
    const answer = await send(url, { signal: clock.signal });
    clock.abort(new DOMException('the time is up', 'TimeoutError'));
    expect(await failure(textOf(answer))).toMatchObject({ message: 'no answer in time', sent: true });
  });

  it('is decoded across its pieces', async () => {
    const url = await serve((_, response) => {
      response.write(Buffer.from([0xe2, 0x82]), () => setTimeout(() => response.end(Buffer.from([0xac])), 20));
    });
    expect(await textOf(await send(url))).toBe('€');
  });
});

describe('a redirect', () => {
  const API = 'https://api.example/v3';

  it.each([
    ['https://blobs.example/log?sig=1', API, 'https://blobs.example/log?sig=1'],
    ['/elsewhere', API, 'https://api.example/elsewhere'],
    ['http://ghes.internal/x', 'http://ghes.internal', 'http://ghes.internal/x'],
    ['http://127.0.0.1:9/x', 'http://127.0.0.1:8', 'http://127.0.0.1:9/x'],
    ['http://localhost:9/x', 'http://[::1]:8', 'http://localhost:9/x'],
  ])('to %s from %s is followed', (location, base, expected) => {
    expect(redirectTarget(location, `${base}/from`, base)).toBe(expected);
  });

  it.each([
    ['http://api.example/downgraded', API],
    ['http://127.0.0.1/inside', API],
    ['http://169.254.169.254/latest', 'http://127.0.0.1:8'],
    ['http://ghes.internal:81/x', 'http://ghes.internal'],
    ['http://127.0.0.1.evil.example/', 'http://127.0.0.1:8'],
    ['https://user@blobs.example/', API],
    ['file:///etc/passwd', API],
    ['data:text/plain,x', API],
    ['http://[', API],
    [null, API],
  ])('to %s from %s is not', (location, base) => {
    expect(() => redirectTarget(location, `${base}/from`, base)).toThrow(HttpFailure);
  });

  it('shows credentials to the origin they are for alone', async () => {
    const seen: (string | undefined)[] = [];
    const other = await serve((request, response) => {
      seen.push(request.headers['private-token'] as string | undefined);
      response.end('there');
    });
    const base = await serve((request, response) => {
      seen.push(request.headers['private-token'] as string | undefined);
      response.writeHead(302, { location: request.url === '/a' ? '/b' : other }).end();
    });
    const credentials = { 'private-token': 'secret' };
    const first = await send(`${base}/a`, { headers: credentials });
    expect(await textOf(await followed(first, `${base}/a`, base, { credentials }))).toBe('there');
    expect(seen).toEqual(['secret', 'secret', undefined]);
  });
});

describe('the time to wait', () => {
  const now = Date.UTC(2026, 0, 1);
  it.each([
    [{ 'retry-after': '7' }, 7],
    [{ 'retry-after': '0' }, 1],
    [{ 'retry-after': '999999' }, 3600],
    [{ 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' }, 30],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now / 1000 + 50) }, 50],
    [{ 'ratelimit-remaining': '0', 'ratelimit-reset': String(now / 1000 + 50) }, 50],
    [{ 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': String(now / 1000 + 50) }, undefined],
    [{ 'x-ratelimit-remaining': '0' }, undefined],
    [{}, undefined],
  ])('that %o tells', (headers, expected) => {
    expect(secondsToWait(new Headers(headers as Record<string, string>), now)).toBe(expected);
  });
});
