import { type Actions, byState, call, type Seen, shaped } from '../action.ts';
import type { ActionRequest, Shown } from '../port.ts';
import { runtime } from './payloads.ts';
import { isStage, STAGES } from './status.ts';

/** What QMOI can do on Hugging Face. https://huggingface.co/docs/huggingface_hub/guides/manage-spaces */

const NAME = /^[\w.-]{1,100}\/[\w.-]{1,100}$/;
const spacePath = ({ repository }: ActionRequest, more: string): string | undefined =>
  NAME.test(repository) ? `/api/spaces/${repository}${more}` : undefined;
const stageIn = (seen: Seen): string | undefined => shaped(runtime, seen)?.stage;

const STARTING: ReadonlySet<string> = new Set([
  ...['BUILDING', 'RUNNING_BUILDING', 'APP_STARTING', 'RUNNING_APP_STARTING'],
]);
const SWITCHED_OFF: ReadonlySet<string> = new Set(['PAUSED', 'STOPPED']);

/** Whether a Space that was told to start has come up. One that sleeps has run; one that was switched off since has not. */
function started(seen: Seen): Shown | undefined {
  const found = shaped(runtime, seen);
  if (found === undefined || !isStage(found.stage)) return undefined;
  const of = STAGES[found.stage];
  const status = of === 'succeeded' ? of : of === 'running' ? 'pending' : 'failed';
  const why = status === 'failed' && found.errorMessage ? `: ${found.errorMessage.trim().slice(0, 200)}` : '';
  return { status, detail: `the Space is ${found.stage}${why}` };
}

const restart = {
  tier: 1,
  on: 'run',
  proof: 'state',
  first: true,
  reads: (of: ActionRequest) => spacePath(of, '/runtime'),
  /**
   * Whatever is being built or started was told to. The Hub does not say since when a Space is at its stage, so one that
   * runs, or that failed, may do so again.
   */
  means(seen: Seen) {
    const stage = stageIn(seen);
    if (stage !== undefined && STARTING.has(stage)) return 'happened';
    return stage !== undefined && SWITCHED_OFF.has(stage) ? 'did-not-happen' : 'unclear';
  },
  shows: started,
  before: (seen: Seen) => byState(STARTING.has(stageIn(seen) ?? '')),
  unfit(seen: Seen) {
    const stage = stageIn(seen);
    if (stage === undefined) return 'the Hub does not say what stage the Space is at';
    return stage === 'DELETING' ? 'the Space is being deleted' : undefined;
  },
} as const;

const switched = (off: boolean) =>
  ({
    tier: 2,
    on: 'run',
    proof: 'state',
    first: true,
    reads: (of: ActionRequest) => spacePath(of, '/runtime'),
    means(seen: Seen) {
      const stage = stageIn(seen);
      return byState(stage === undefined ? undefined : SWITCHED_OFF.has(stage) === off);
    },
  }) as const;

export const hubActions: Actions = {
  'restart-space': {
    does: 'starts a Space anew',
    ...restart,
    request: (of) => call('POST', spacePath(of, '/restart')),
  },
  'factory-rebuild': {
    does: 'builds a Space anew, without what earlier builds have left behind, and starts it',
    ...restart,
    request: (of) => call('POST', spacePath(of, '/restart?factory=true')),
  },
  'pause-space': {
    does: 'switches a Space off, until somebody starts it again',
    ...switched(true),
    shows(seen) {
      const stage = stageIn(seen);
      const status = SWITCHED_OFF.has(stage ?? '') ? 'succeeded' : 'pending';
      return stage === undefined ? undefined : { status, detail: `the Space is ${stage}` };
    },
    inverse: 'resume-space',
    request: (of) => call('POST', spacePath(of, '/pause')),
  },
  'resume-space': {
    does: 'starts a Space that is switched off',
    ...switched(false),
    shows: started,
    inverse: 'pause-space',
    request: (of) => call('POST', spacePath(of, '/restart')),
  },
};
