import { type LookDeps, noFacts, type Platform, type PlatformFacts } from '../port.ts';
import { hubOf } from './hub.ts';
import { buildRunId, factsOfStage } from './normalise.ts';
import { isStage } from './status.ts';

/** Where a Space (`owner/name`) is: the Hub's webhooks never tell its stage. */
export async function look(
  { externalId: space, status }: Parameters<NonNullable<Platform['look']>>[0],
  { read, now, known, origin }: LookDeps,
): Promise<PlatformFacts | undefined> {
  const hub = await hubOf(read);
  const found = await hub?.space(space);
  if (found === undefined) return undefined;
  const { runtime, commit } = found;
  // The Hub may learn new stages; what they mean is not to be guessed.
  if (!isStage(runtime.stage)) return noFacts();
  const build = commit === undefined ? undefined : await known(buildRunId(space, commit));
  const { stage, errorMessage } = runtime;
  const seen = { space, stage, commit, errorMessage: errorMessage ?? undefined, at: now, origin };
  return factsOfStage(seen, { build: build?.status, disabled: status === 'disabled' });
}
