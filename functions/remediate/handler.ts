import { randomUUID } from 'node:crypto';
import { agentController } from '../../shared/platforms/controllers/agent.ts';
import { awsController } from '../../shared/platforms/controllers/aws.ts';
import { withControllers } from '../../shared/platforms/controllers/index.ts';
import { webhookController } from '../../shared/platforms/controllers/webhook.ts';
import { platforms } from '../../shared/platforms/index.ts';
import { remediateMachine, remediateRun } from '../../shared/remediation/index.ts';
import { createStore, readParameters, systemNow } from '../../shared/runtime/aws.ts';
import { consume } from '../../shared/runtime/consume.ts';
import { env } from './env.ts';

const { TABLE_NAME, QUEUE_URL, PARAMETER_PREFIX, REMEDIATION, CONTROLLERS, ACCOUNT } = env.parse(process.env);
const store = createStore(TABLE_NAME);
const controllers = [
  webhookController(CONTROLLERS),
  agentController(store),
  awsController({ settings: CONTROLLERS.aws, account: ACCOUNT, environment: process.env }),
];
const deps = {
  store,
  platforms: withControllers(platforms, controllers),
  read: readParameters(PARAMETER_PREFIX),
  settings: REMEDIATION,
  now: systemNow,
  owner: randomUUID(),
};

/** failure.diagnosed, run.failed, run.updated (superseded), runner.updated (strained), remediation.due → a fix that is claimed, carried out, or held or refused with its reason. */
export const handler = consume(QUEUE_URL, ({ envelope: { entity, key } }) =>
  entity === 'runner' ? remediateMachine(key, deps) : remediateRun(key, deps),
);
