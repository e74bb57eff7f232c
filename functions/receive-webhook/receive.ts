import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { Platform, RawRequest, Reading, ReadParameters } from '../../shared/platforms/port.ts';
import type { Count } from '../../shared/runtime/observability.ts';
import { ANSWER_HEADERS, answer, problem } from '../../shared/runtime/problem.ts';
import { ids, keepDelivery, type Store } from '../../shared/store/index.ts';

export interface ReceiveDeps {
  store: Store;
  platforms: Readonly<Record<string, Platform>>;
  read: ReadParameters;
  count: Count;
}

/** What a delivery becomes in the ledger; anything else about a request is an answer and a metric, never a write. */
type Kept = Extract<Reading, { kind: 'delivery' | 'quarantined' }>;

/** Verifies a webhook and keeps it. Everything else about it is somebody else's work. */
export async function receive(
  event: APIGatewayProxyEventV2,
  deps: ReceiveDeps,
): Promise<APIGatewayProxyStructuredResultV2> {
  const { requestId, http } = event.requestContext;
  const name = event.pathParameters?.platform ?? '';
  const known = Object.hasOwn(deps.platforms, name) ? deps.platforms[name] : undefined;
  const platform = known?.arrives === undefined ? known : undefined;
  const reject = (status: number, reason: string, detail: string, headers?: Record<string, string>) => {
    // An unknown name is the sender's own words, and no dimension of ours.
    deps.count('WebhooksRejected', { platform: platform?.name ?? 'unknown', reason });
    return problem(status, detail, requestId, headers);
  };
  if (platform === undefined) return reject(404, 'unknown-platform', 'There is no such platform.');
  const request: RawRequest = {
    headers: event.headers,
    body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
    query: event.queryStringParameters ?? {},
  };
  if (http.method === 'OPTIONS' && platform.handshake !== undefined) {
    const answered = platform.handshake(request);
    if ('kind' in answered) return reject(Number(answered.status), 'malformed', String(answered.detail));
    return { statusCode: 200, headers: { ...ANSWER_HEADERS, ...answered } };
  }
  if (http.method !== 'POST') {
    return reject(405, 'method', 'Webhooks are sent with POST.', { allow: 'POST' });
  }
  const verdict = await platform.verify(request, deps.read, new Date(deps.store.now()));
  if (verdict === 'not-configured') {
    return reject(503, 'not-configured', `No secret for ${platform.title} webhooks is configured.`);
  }
  if (verdict !== 'verified') return reject(401, 'signature', 'The signature or token is missing or wrong.');
  const messages = platform.messages?.(request) ?? [request];
  const [only = request, ...others] = messages;
  if (others.length === 0 && messages.length > 0) {
    const reading = platform.read(only);
    if (reading.kind === 'malformed') return reject(reading.status, 'malformed', reading.detail);
    const { code, ...told } = await take(platform, only, reading, deps);
    return answer(code, told);
  }
  return takeAll(platform, messages, deps);
}

interface Taken {
  readonly code: 200 | 202;
  readonly deliveryId?: string;
  readonly status: 'received' | 'quarantined' | 'duplicate' | 'ignored';
}

/** How many messages of one request are kept at once. */
const AT_ONCE = 10;

/** Keeps each message of a request by itself. Whoever has to send it again finds those that were kept to be duplicates. */
async function takeAll(
  platform: Platform,
  messages: readonly RawRequest[],
  deps: ReceiveDeps,
): Promise<APIGatewayProxyStructuredResultV2> {
  const all: Taken[] = [];
  for (let start = 0; start < messages.length; start += AT_ONCE) {
    const some = messages.slice(start, start + AT_ONCE);
    all.push(...(await Promise.all(some.map((message) => take(platform, message, platform.read(message), deps)))));
  }
  // The whole is told by whichever of its messages says the most.
  const status = (['received', 'quarantined', 'duplicate'] as const).find((each) =>
    all.some((taken) => taken.status === each),
  );
  const told = all.map(({ code: _, ...taken }) => taken);
  return answer(status === 'duplicate' ? 200 : 202, { status: status ?? 'ignored', messages: told });
}

async function take(platform: Platform, message: RawRequest, reading: Reading, deps: ReceiveDeps): Promise<Taken> {
  if (reading.kind === 'delivery' || reading.kind === 'quarantined') return keep(platform, message, reading, deps);
  deps.count('WebhooksIgnored', { platform: platform.name });
  return { code: 202, status: 'ignored' };
}

async function keep(
  platform: Platform,
  request: RawRequest,
  reading: Kept,
  { store, count }: ReceiveDeps,
): Promise<Taken> {
  const id = ids.delivery(platform.name, reading.externalId);
  const receivedAt = store.now();
  const status = reading.kind === 'delivery' ? 'received' : 'quarantined';
  const fact = {
    id,
    status,
    statusAt: receivedAt,
    origin: 'live',
    platform: platform.name,
    externalId: reading.externalId,
    event: reading.event,
    receivedAt,
    contentType: request.headers['content-type'] ?? '',
    ...(reading.kind === 'quarantined' ? { reason: reading.reason } : { action: reading.action }),
    ...(reading.kind === 'delivery' && { repository: reading.repository }),
  } as const;
  if (!(await keepDelivery(store, fact, request.body))) {
    count('WebhooksDuplicate', { platform: platform.name });
    return { code: 200, status: 'duplicate' };
  }
  count('WebhooksKept', { platform: platform.name, status });
  return { code: 202, deliveryId: id, status };
}
