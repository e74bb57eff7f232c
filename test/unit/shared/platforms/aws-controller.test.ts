import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { awsController } from '../../../../shared/platforms/controllers/aws.ts';
import type { ActionRequest } from '../../../../shared/platforms/index.ts';
import { controllerSettings } from '../../../../shared/runtime/controller-settings.ts';

const INSTANCE = 'i-0123456789abcdef0';
const calls: { headers: IncomingHttpHeaders; body: string }[] = [];
let answer = { status: 200, body: '' };
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  calls.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
  response.writeHead(answer.status).end(answer.body);
});
let url: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  calls.length = 0;
  answer = { status: 200, body: '' };
});
afterAll(() => server.close().closeAllConnections());

async function act(aws: object, action: string, parameters: ActionRequest['parameters'] = { instance: INSTANCE }) {
  const controller = awsController({
    settings: controllerSettings.parse({ aws }).aws,
    account: '123456789012',
    environment: {
      ...{ AWS_ENDPOINT_URL: url, AWS_REGION: 'eu-west-1', AWS_SESSION_TOKEN: 'of-the-role' },
      ...{ AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' },
    },
  });
  const carrier = await controller.open(async () => ({}));
  const of = { repository: 'acme/shop', externalId: 'task-7', runId: 'github:5:1', attempt: 1, subject: 'github:5:1' };
  return carrier.act({ ...of, action, parameters });
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, of a POST to the root. */
function signatureOf({ headers, body }: (typeof calls)[number] = { headers: {}, body: '' }): string {
  const [, scope = '', names = ''] =
    /Credential=[^/]+\/(\S+), SignedHeaders=(\S+),/.exec(headers.authorization ?? '') ?? [];
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  const told = names.split(';').map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = ['POST', '/', '', told.join(''), names, sha(body)].join('\n');
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha(canonical)].join('\n');
  const key = scope
    .split('/')
    .reduce<Buffer>(
      (previous, part) => createHmac('sha256', previous).update(part).digest(),
      Buffer.from('AWS4secret'),
    );
  return createHmac('sha256', key).update(text).digest('hex');
}

it('signs for the service and the region, with the token of the role, and gives the secret to nobody', async () => {
  expect(await act({ instances: [INSTANCE] }, 'reboot-instance')).toMatchObject({ kind: 'done' });
  const [{ headers } = { headers: {} as IncomingHttpHeaders }] = calls;
  expect(headers.authorization).toMatch(
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/ec2\/aws4_request, SignedHeaders=content-type;host;[^,]*, Signature=[0-9a-f]{64}$/,
  );
  expect(headers['x-amz-security-token']).toBe('of-the-role');
  expect(headers.authorization?.split('Signature=')[1]).toBe(signatureOf(calls[0]));
  expect(JSON.stringify(calls)).not.toContain('secret');
});

it.each([
  ['reboot-instance', {}],
  ['reboot-instance', { instances: ['i-00000000'] }],
  ['terminate-instance', { instances: [INSTANCE] }],
  ['run-document', { instances: [INSTANCE] }],
  ['run-document', { documents: ['AWS-RunShellScript'] }],
  ['cancel-task', { instances: [INSTANCE] }],
])('does not even ask to %s with the settings %j', async (action, aws) => {
  const parameters = { instance: INSTANCE, document: 'AWS-RunShellScript' };
  expect(await act(aws, action, parameters)).toMatchObject({
    kind: 'refused',
    reason: expect.stringMatching(/settings/),
  });
  expect(calls).toEqual([]);
});

it('leaves it to AWS which instances carry a tag', async () => {
  answer = {
    status: 403,
    body: '<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized.</Message></Error></Errors></Response>',
  };
  expect(await act({ tags: { qmoi: 'managed' } }, 'reboot-instance')).toEqual({
    kind: 'refused',
    reason: 'UnauthorizedOperation: You are not authorized. (403)',
  });
});

it.each([
  [
    400,
    '<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>',
    'retry-later',
  ],
  [400, '<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code></Error></Errors></Response>', 'refused'],
  [503, '<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>', 'retry-later'],
  [500, '<Response><Errors><Error><Code>InternalError</Code></Error></Errors></Response>', 'unknown'],
])('takes %i %s for %s', async (status, body, kind) => {
  answer = { status, body };
  expect((await act({ instances: [INSTANCE] }, 'reboot-instance')).kind).toBe(kind);
});

it('takes the names of the newer services’ errors as well', async () => {
  const settings = { instances: [INSTANCE], documents: ['AWS-RunShellScript'] };
  const parameters = { instance: INSTANCE, document: 'AWS-RunShellScript' };
  answer = { status: 400, body: JSON.stringify({ __type: 'com.amazonaws.ssm#ThrottlingException', message: 'Rate' }) };
  expect(await act(settings, 'run-document', parameters)).toMatchObject({
    kind: 'retry-later',
    reason: 'ThrottlingException: Rate (429)',
  });
  answer = { status: 400, body: JSON.stringify({ __type: 'InvalidInstanceId', Message: 'Not connected' }) };
  expect(await act(settings, 'run-document', parameters)).toMatchObject({ kind: 'refused' });
  expect(calls).toHaveLength(2);
});
