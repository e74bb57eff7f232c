export { review, reviewRun } from './hindsight.ts';
export {
  fellInto,
  isOpen,
  keysOfFix,
  noteFailure,
  type OpenOutage,
  type Outage,
  outageKeysOf,
  readOutage,
  readOutages,
  sayOver,
  suspectedUntil,
  takeProbe,
  tellOutcome,
} from './outage.ts';
export { reopen } from './reopen.ts';
export { lastActedAt, madeBefore, triedInOutage, triesOf } from './tries.ts';
