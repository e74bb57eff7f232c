import { SNSClient } from '@aws-sdk/client-sns';
import type { Remediation } from '../../shared/model/index.ts';
import { notify } from '../../shared/notification/index.ts';
import { approvalToken } from '../../shared/remediation/index.ts';
import { createStore, readParameters, systemNow } from '../../shared/runtime/aws.ts';
import { consume } from '../../shared/runtime/consume.ts';
import { env } from './env.ts';
import { createPublish } from './publish.ts';

const variables = env.parse(process.env);
const read = readParameters(variables.PARAMETER_PREFIX);
const deps = {
  store: createStore(variables.TABLE_NAME),
  now: systemNow,
  approvalLink: async (fix: Remediation) => {
    const token = variables.PUBLIC_URL === '' ? undefined : await approvalToken(fix, read);
    return token && `${variables.PUBLIC_URL}/approvals/${token}`;
  },
  publish: createPublish(new SNSClient({}), {
    'real-time': variables.TOPIC_REAL_TIME,
    error: variables.TOPIC_ERROR,
    performance: variables.TOPIC_PERFORMANCE,
    status: variables.TOPIC_STATUS,
    emergency: variables.TOPIC_EMERGENCY,
  }),
};

/** What `subscriptions.notify` names → one message a route, to the topic of its kind. */
export const handler = consume(variables.QUEUE_URL, ({ type, envelope }) => notify(type, envelope, deps));
