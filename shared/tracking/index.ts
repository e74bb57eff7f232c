export { type RecordDeps, recordDelivery } from './record.ts';
export { type RunRecord, readRun, track } from './track.ts';
