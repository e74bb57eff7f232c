export {
  found,
  GUARD_KINDS,
  GUARD_STATUSES,
  type Guard,
  guardOfLearnt,
  guardOfOutage,
  type Learnt,
  liftGuard,
  noteActed,
  noteGuard,
  noteHit,
  preventedBy,
  readGuard,
  readGuards,
  standingOf,
  wordOn,
} from './guards.ts';
export { takeBackHarmful } from './harm.ts';
export { machineIn, restarting } from './machines.ts';
export { superseding } from './superseded.ts';
