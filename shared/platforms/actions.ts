import type { ActionTraits } from './action.ts';
import { agentActions } from './controllers/agent.ts';
import { awsActionsFor } from './controllers/aws-acts.ts';
import { braketActionsFor } from './controllers/braket-acts.ts';
import { webhookActions } from './controllers/webhook.ts';
import { githubActions } from './github/acts.ts';
import { gitlabActions } from './gitlab/acts.ts';
import { hubActions } from './huggingface/acts.ts';
import { vercelActions } from './vercel/acts.ts';

/** What can be done wherever the trouble is. */
export const ANYWHERE = 'anywhere';

/** Every action of every platform, by its name. */
export const actions: Readonly<Record<string, Readonly<Record<string, ActionTraits>>>> = {
  github: githubActions,
  gitlab: gitlabActions,
  vercel: vercelActions,
  huggingface: hubActions,
  braket: braketActionsFor(undefined),
  [ANYWHERE]: { ...agentActions, ...webhookActions, ...awsActionsFor([]) },
};

/** Those of one platform, with what can be done anywhere. */
export const actionsAt = (platform: string): Readonly<Record<string, ActionTraits>> => ({
  ...(Object.hasOwn(actions, platform) && actions[platform]),
  ...actions[ANYWHERE],
});

export function actionOf(platform: string, action: string): ActionTraits | undefined {
  const all = actionsAt(platform);
  return Object.hasOwn(all, action) ? all[action] : undefined;
}
