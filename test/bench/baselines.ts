import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { findEngine, startEngine } from '../../infra/local/dynamodb/engine-process.ts';
import { clientOf, createTable } from '../support/table.ts';
import { inParallel } from './measure.ts';

/** What is compared in the same run, on the same machine, with the same bodies. */

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

export interface Sendable {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends over kept-alive connections and returns the status; `fetch` would be the slowest part of the bench. */
export function post(url: string, { headers, body }: Sendable): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } },
      (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
      },
    );
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** Deliveries per second of a bare HTTP server that verifies the same signature and does nothing else. */
export async function bareServerRate(deliveries: readonly Sendable[], secret: string, width: number): Promise<number> {
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const wanted = createHmac('sha256', secret).update(Buffer.concat(chunks)).digest();
      const given = Buffer.from(String(incoming.headers['x-hub-signature-256']).slice('sha256='.length), 'hex');
      response.writeHead(given.length === wanted.length && timingSafeEqual(given, wanted) ? 202 : 401).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const seconds = await inParallel(deliveries, width, async (delivery) => {
    if ((await post(url, delivery)) !== 202) throw new Error('the bare server refused a delivery');
  });
  server.close();
  server.closeAllConnections();
  return deliveries.length / seconds;
}

/** Puts per second of the embedded engine itself, of items as large as a packed delivery. */
export async function enginePutRate(deliveries: readonly Sendable[], width: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'qmoi-bench-engine-'));
  const engine = await startEngine(findEngine(), join(folder, 'table.db'));
  const client = clientOf(engine.origin);
  await createTable(client, 'bench');
  const items = deliveries.map(({ body }, index) => ({
    pk: `delivery#${index}`,
    sk: 'body#000000',
    bytes: brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  }));
  const seconds = await inParallel(items, width, async (Item) => {
    await client.send(new PutCommand({ TableName: 'bench', Item }));
  });
  client.destroy();
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
  return items.length / seconds;
}
