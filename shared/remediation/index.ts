export {
  type Answer,
  type Answered,
  answerApproval,
  approvalToken,
  readApprovalToken,
  standing,
} from './approval.ts';
export { type Backtest, backtest, type Case, type Row, type Summary, summarise } from './backtest.ts';
export { type Asked, askFor, BY_HAND, handActions } from './by-hand.ts';
export {
  controlId,
  effectiveControl,
  readControls,
  setControl,
  settleControl,
} from './control.ts';
export { type Decision, decide, FRESH_MS, type Situation } from './decide.ts';
export { remediateMachine, remediateRun } from './engine.ts';
export type { EngineDeps } from './fix.ts';
export {
  GUARD_KINDS,
  GUARD_STATUSES,
  type Guard,
  liftGuard,
  preventedBy,
  readGuard,
  readGuards,
} from './guards/index.ts';
export { casesBetween } from './past.ts';
export { narrowed } from './plan/index.ts';
export { type Playbook, playbook } from './playbook.ts';
export { playbookOf, playbooks } from './playbooks/index.ts';
export { modeOf } from './policy.ts';
export { proof } from './proof.ts';
export { ready } from './ready.ts';
export { askForRollback } from './rollback.ts';
export { verifyRun } from './verify.ts';
