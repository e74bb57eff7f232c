import { type ApiDeps, createApi } from '../../../../functions/api/app.ts';
import type { ApiEvent } from '../../../../functions/api/http.ts';
import type { Store } from '../../../../shared/store/index.ts';

export interface Item extends Record<string, unknown> {
  id: string;
  status: string;
}

export interface Answer {
  status: number;
  headers: Record<string, string>;
  text: string;
  /** Whichever of a page, an item and a problem it is. */
  body: Item & { items: Item[]; nextCursor: string | null; title: string; detail: string };
}

export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  principal?: string | null;
}

/** Asks the API as the gateway would; the master, unless told otherwise. */
export function askOf(store: Store, more: Partial<ApiDeps> = {}) {
  const logged: { requestId: string; error: Error }[] = [];
  const counted: string[] = [];
  const api = createApi({
    store,
    read: async () => ({}),
    logger: { error: (_, context) => logged.push(context) },
    count: (name) => counted.push(name),
    ...more,
  });
  const ask = async (target: string, { method = 'GET', headers = {}, body, principal = 'master' }: Ask = {}) => {
    const [rawPath = '', ...query] = target.split('?');
    const result = await api({
      version: '2.0',
      routeKey: 'ANY /v1/{proxy+}',
      rawPath,
      rawQueryString: query.join('?'),
      headers,
      isBase64Encoded: Buffer.isBuffer(body),
      ...(body !== undefined && { body: Buffer.isBuffer(body) ? body.toString('base64') : body }),
      requestContext: {
        requestId: 'request-1',
        http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
        ...(principal !== null && { authorizer: { lambda: { principal } } }),
      },
    } as unknown as ApiEvent);
    const text = result.body ?? '';
    return {
      status: result.statusCode,
      headers: result.headers,
      text,
      body: text === '' || text.startsWith('<!doctype') ? undefined : (JSON.parse(text) as unknown),
    } as Answer;
  };
  return Object.assign(ask, { logged, counted });
}
