import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the fakes of platforms without pipelines have in common: an API on a loopback port that notes its calls. */

export interface FakeCall {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly authorization: string | undefined;
  readonly body: string;
}

export interface FakeAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
  /** The connection stays open behind the text, as a log that is followed does. */
  readonly open?: boolean;
}

export interface WebFake {
  readonly url: string;
  readonly calls: readonly FakeCall[];
  /** The next call gets this, whatever it asks; `reset`: a connection cut. */
  fail(answer: FakeAnswer | 'reset'): void;
  close(): Promise<void>;
}

export async function webFake(answerTo: (call: FakeCall) => FakeAnswer): Promise<WebFake> {
  const calls: FakeCall[] = [];
  const failures: (FakeAnswer | 'reset')[] = [];
  const server = createServer(async (request, response) => {
    const call = await callOf(request);
    calls.push(call);
    const answer = failures.shift() ?? answerTo(call);
    if (answer === 'reset') {
      response.destroy();
      return;
    }
    const { status, headers = {}, json, text = '', open = false } = answer;
    response.writeHead(status, { ...(json !== undefined && { 'content-type': 'application/json' }), ...headers });
    const body = json === undefined ? text : JSON.stringify(json);
    if (open) response.write(body);
    else response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    fail: (answer) => failures.push(answer),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function callOf(request: IncomingMessage): Promise<FakeCall> {
  const { method = '', url = '/', headers } = request;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString('utf8');
  const { pathname, searchParams } = new URL(url, 'http://fake');
  const query = Object.fromEntries(searchParams);
  return { method, path: pathname, query, authorization: headers.authorization, body };
}

/** A webhook as a platform sends it. */
export interface FakeDelivery {
  /** What it tells, for a reader. */
  readonly event: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}
