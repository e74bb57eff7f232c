import type { Run } from '../../model/index.ts';

/**
 * The stages of a Space and what they say of its newest build. A build is over once the program it made runs, as a build
 * that does not start is of no use to anyone.
 * https://huggingface.co/docs/huggingface_hub/package_reference/space_runtime#huggingface_hub.SpaceStage
 */
export const STAGES = {
  BUILDING: 'running',
  // The program of the build before serves meanwhile.
  RUNNING_BUILDING: 'running',
  APP_STARTING: 'running',
  RUNNING_APP_STARTING: 'running',
  RUNNING: 'succeeded',
  // It ran until nobody asked for it any more.
  SLEEPING: 'succeeded',
  BUILD_ERROR: 'failed',
  CONFIG_ERROR: 'failed',
  NO_APP_FILE: 'failed',
  RUNTIME_ERROR: 'failed',
  // Switched off by a person, which says nothing of the build.
  PAUSED: undefined,
  STOPPED: undefined,
  DELETING: undefined,
} as const satisfies Record<string, Run['status'] | undefined>;

export type Stage = keyof typeof STAGES;
export const isStage = (text: string): text is Stage => Object.hasOwn(STAGES, text);

/** Of these stages the commit that the Hub names is that of the build before. */
export const isBuilding = (stage: Stage): boolean => STAGES[stage] === 'running' || stage === 'BUILD_ERROR';
export const isSwitchedOff = (stage: Stage): boolean => STAGES[stage] === undefined;
