export {
  controlId,
  effectiveControl,
  readControls,
  setControl,
  settleControl,
} from './control.ts';
export { type Decision, decide, FRESH_MS, proof, ready, type Situation } from './decide.ts';
export { type EngineDeps, modeOf, remediateRun } from './engine.ts';
export { verifyRun } from './verify.ts';
