import type { ActionTraits } from './action.ts';
import { githubActions } from './github/acts.ts';
import { gitlabActions } from './gitlab/acts.ts';
import { hubActions } from './huggingface/acts.ts';
import { vercelActions } from './vercel/acts.ts';

/** Every action of every platform, by its name. */
export const actions: Readonly<Record<string, Readonly<Record<string, ActionTraits>>>> = {
  github: githubActions,
  gitlab: gitlabActions,
  vercel: vercelActions,
  huggingface: hubActions,
};

export const actionOf = (platform: string, action: string): ActionTraits | undefined => {
  const own = Object.hasOwn(actions, platform) ? actions[platform] : undefined;
  return own !== undefined && Object.hasOwn(own, action) ? own[action] : undefined;
};
