export { ACTIVITY_FILTERS, type Activity, appendActivity, getActivity, listActivity } from './activity.ts';
export {
  DEFAULT_LIMIT,
  type Filter,
  type Filters,
  filtersOf,
  type ListQuery,
  MAX_LIMIT,
  QueryError,
  readListQuery,
} from './filters.ts';
export * from './keys.ts';
export {
  type KeptDelivery,
  keepDelivery,
  readDelivery,
  replayDelivery,
  SETTLED_AFTER_MS,
  unpackBody,
} from './ledger.ts';
export { countFailures, EXAMINED_PER_PAGE, type FailureCount, listEntities, type Page, pageOf } from './list.ts';
export { pack, unpack } from './pack.ts';
export { countJobsSince, recentJobs, recentRuns } from './recent-runs.ts';
export { type Change, isConditionFailure, itemOf, mergeInto, Store, type StoreDeps, stateOf } from './table.ts';
