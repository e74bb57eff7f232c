import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { complete, HttpFailure, send } from '../../runtime/http.ts';
import type { Call } from '../action.ts';
import type { Answered } from '../actor.ts';
import { jsonOf } from '../request.ts';

/** Where calls to AWS go and who makes them, as Lambda's environment says it. */
export interface AwsEnvironment {
  readonly AWS_REGION?: string | undefined;
  readonly AWS_ACCESS_KEY_ID?: string | undefined;
  readonly AWS_SECRET_ACCESS_KEY?: string | undefined;
  readonly AWS_SESSION_TOKEN?: string | undefined;
  /** Of the embedded host, which has none of these services and says so. */
  readonly AWS_ENDPOINT_URL?: string | undefined;
}

const FORM = 'application/x-www-form-urlencoded; charset=utf-8';

/**
 * Signed calls to services that are asked for one or two things: their SDK clients would be most of the function's bundle. A
 * path begins with the name of the service: `/ec2` and `/autoscaling` take a form, `/ssm/<operation>` and the rest JSON.
 */
export const awsApi =
  (environment: AwsEnvironment) =>
  async ({ method, path, body }: Call, timeoutMs: number): Promise<Answered> => {
    const { AWS_REGION: region = '', AWS_ACCESS_KEY_ID: accessKeyId = '' } = environment;
    const { AWS_SECRET_ACCESS_KEY: secretAccessKey = '', AWS_SESSION_TOKEN: sessionToken } = environment;
    const [, service = '', rest = ''] = /^\/([a-z0-9]+)(.*)$/.exec(path) ?? [];
    const base = environment.AWS_ENDPOINT_URL ?? `https://${service}.${region}.amazonaws.com`;
    if (!URL.canParse(base) || region === '') throw new HttpFailure('there is no region to call', false);
    const isForm = service === 'ec2' || service === 'autoscaling';
    const url = new URL(`${base.replace(/\/+$/, '')}${isForm || service === 'ssm' ? '/' : rest}`);
    const text = body === undefined ? '' : isForm ? new URLSearchParams({ ...body }).toString() : JSON.stringify(body);
    const headers = {
      host: url.host,
      'user-agent': 'qmoi',
      'content-type': isForm ? FORM : service === 'ssm' ? 'application/x-amz-json-1.1' : 'application/json',
      ...(service === 'ssm' && { 'x-amz-target': `AmazonSSM.${rest.slice(1)}` }),
    };
    const credentials = { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
    const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 });
    const { hostname, protocol, pathname } = url;
    const signed = await signer.sign({
      ...{ method, protocol, hostname, path: pathname, headers, query: {}, body: text },
      ...(url.port !== '' && { port: Number(url.port) }),
    });
    const { host: _, ...sent } = signed.headers;
    const answer = await complete(
      await send(url.href, { method, headers: sent, timeoutMs, ...(text !== '' && { body: text }) }),
    );
    const told = await answer.text();
    return {
      ...{ status: answer.status, headers: answer.headers, message: answer.ok ? '' : messageIn(told, answer.headers) },
      json: isForm ? told : jsonOf(told),
    };
  };

/** `Code: Message`, from the XML of the older services and the JSON of the newer. */
function messageIn(text: string, headers: Headers): string {
  const [, code] = /<Code>([\w.]{1,100})<\/Code>/.exec(text) ?? [];
  const [, told] = /<Message>([^<]{1,500})<\/Message>/.exec(text) ?? [];
  if (code !== undefined) return `${code}: ${told ?? ''}`;
  const json = jsonOf(text) as { __type?: unknown; message?: unknown; Message?: unknown } | null | undefined;
  const type = String(json?.__type ?? headers.get('x-amzn-errortype') ?? '');
  const name = type.slice(type.lastIndexOf('#') + 1).split(':')[0];
  const message = json?.message ?? json?.Message;
  return [name, typeof message === 'string' ? message : ''].filter(Boolean).join(': ');
}

/** Node's own, as the signer wants it. */
class Sha256 {
  private readonly fresh: () => Hash | Hmac;
  private hash: Hash | Hmac;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = secret === undefined ? undefined : viewOf(secret);
    this.fresh = () => (key === undefined ? createHash('sha256') : createHmac('sha256', key));
    this.hash = this.fresh();
  }
  update(chunk: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(viewOf(chunk));
  }
  async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }
  reset(): void {
    this.hash = this.fresh();
  }
}

const viewOf = (data: string | ArrayBuffer | ArrayBufferView): Uint8Array =>
  typeof data === 'string'
    ? Buffer.from(data)
    : ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
