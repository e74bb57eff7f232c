import type { ControllerSettings } from '../../runtime/controller-settings.ts';
import { ForbiddenAddress, sendPublic } from '../../runtime/public-http.ts';
import { type Actions, markOf, parameter } from '../action.ts';
import { actorOf, NotSent } from '../actor.ts';
import { cut } from '../clean.ts';
import type { ActionRequest } from '../port.ts';
import { jsonOf, secretsOf } from '../request.ts';
import { keyOf, standardSignature } from '../standard-webhooks.ts';
import type { Controller } from './index.ts';

const NAME = 'call-webhook';
const DATA = 'data.';
const MAX_MESSAGE = 200;

const dataOf = ({ parameters = {} }: ActionRequest): object =>
  Object.fromEntries(
    Object.entries(parameters)
      .filter(([name]) => name.startsWith(DATA))
      .map(([name, value]) => [name.slice(DATA.length), value]),
  );

export const webhookActions: Actions = {
  [NAME]: {
    does: 'tells a service of the master’s own what to do, by a webhook that the settings name',
    tier: 3,
    on: 'run',
    proof: 'answer',
    needs: ['webhook'],
    takes: ['key', `${DATA}*`],
    // Standard Webhooks: whoever receives the same id twice takes it for once.
    repeatable: true,
    reads: () => undefined,
    means: () => 'unclear',
    request(of) {
      const webhook = parameter(of, 'webhook');
      const platform = of.runId.split(':')[0];
      const { repository, runId, subject, attempt } = of;
      const data = { webhook, platform, repository, runId, subject, attempt, data: dataOf(of) };
      return webhook === undefined ? undefined : { method: 'POST', path: webhook, body: { type: 'qmoi.action', data } };
    },
  },
};

/** https://github.com/standard-webhooks/standard-webhooks */
export const webhookController = ({
  webhooks,
  now = Date.now,
}: Pick<ControllerSettings, 'webhooks'> & { readonly now?: () => number }): Controller => ({
  actions: webhookActions,
  open: async (read) =>
    actorOf({
      title: 'QMOI',
      actions: webhookActions,
      now,
      async send({ path: name, body = {} }, of, timeoutMs) {
        const webhook = Object.hasOwn(webhooks, name) ? webhooks[name] : undefined;
        if (webhook === undefined) throw refused(`the settings name no webhook ${name}`);
        const keys = (await secretsOf(read, 'action-webhook-secret')).flatMap(keyOf);
        if (keys.length === 0) throw refused('QMOI_ACTION_WEBHOOK_SECRET is not configured');
        const id = `msg_${markOf(of, `${NAME} ${name}`)}`;
        const timestamp = String(Math.floor(now() / 1000));
        const text = JSON.stringify({ ...body, timestamp: new Date(Number(timestamp) * 1000).toISOString() });
        const headers = {
          'content-type': 'application/json',
          'content-length': String(Buffer.byteLength(text)),
          'user-agent': 'qmoi',
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          // Signed with the previous secret too during a rotation, so that either of them verifies.
          'webhook-signature': keys.map((key) => standardSignature(key, id, timestamp, text)).join(' '),
        };
        try {
          const options = { method: 'POST', headers, body: text, timeoutMs };
          const answer = await sendPublic(webhook.url, options, { anywhere: webhook.private });
          const message = answer.status < 300 ? '' : cut(answer.text.trim(), MAX_MESSAGE);
          return { status: answer.status, headers: answer.headers, message, json: jsonOf(answer.text) };
        } catch (error) {
          throw error instanceof ForbiddenAddress ? refused(error.message) : error;
        }
      },
    }),
});

const refused = (reason: string) => new NotSent({ kind: 'refused', reason });
