export { settleAll, settleAutomation } from './automations.ts';
export { declareAutomations, type Policy, readPolicy, sayCategories } from './policy.ts';
export { type Progress, progressOf } from './progress.ts';
export { type RecordDeps, recordDelivery } from './record.ts';
export { enterSource } from './sources.ts';
export { type RunRecord, readRun, track } from './track.ts';
