export { type ReconcileDeps, reconcile } from './reconcile.ts';
