import { isEnded, type Run } from '../../model/index.ts';
import type { LookDeps, Platform } from '../port.ts';
import type { Told } from '../sweeper.ts';
import { hubOf } from './hub.ts';
import { buildRunId } from './normalise.ts';
import { STAGE_EVENT, type StageEvent } from './payloads.ts';
import { isStage, isSwitchedOff, STAGES, type Stage } from './status.ts';

/** Where a Space (`owner/name`) is: the Hub's webhooks never tell its stage. */
export async function look(
  { externalId: space, status }: Parameters<NonNullable<Platform['look']>>[0],
  { read, now, known }: LookDeps,
): Promise<readonly Told[] | undefined> {
  const hub = await hubOf(read);
  const found = await hub?.space(space);
  if (found === undefined) return undefined;
  const { runtime, commit } = found;
  // The Hub may learn new stages; what they mean is not to be guessed.
  if (!isStage(runtime.stage)) return [];
  const build = commit === undefined ? undefined : (await known(buildRunId(space, commit)))?.status;
  const judged = commit === undefined || isJudged(runtime.stage, build);
  const disabled = status === 'disabled';
  // Where nothing is new, telling it again would only be a later time of the same.
  if (isSwitchedOff(runtime.stage) || disabled ? isSwitchedOff(runtime.stage) === disabled : judged) return [];
  const { stage, errorMessage } = runtime;
  const payload: StageEvent = { space, stage, ...(!judged && { commit, errorMessage }), at: now };
  return [{ event: STAGE_EVENT, action: stage, payload }];
}

/** Whether a stage says no more of a build than is known of it. */
function isJudged(stage: Stage, build: Run['status'] | undefined): boolean {
  const status = STAGES[stage];
  // A Space that was built and is started anew (it slept, it was restarted) is not built again.
  return build !== undefined && (build === status || (status === 'running' && isEnded(build)));
}
