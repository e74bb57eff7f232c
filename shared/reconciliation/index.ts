export { type CheckDeps, checkRun } from './check-run.ts';
export { type Bucket, refilled } from './limit.ts';
export { type ReconcileDeps, reconcile } from './reconcile.ts';
