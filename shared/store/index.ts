export * from './keys.ts';
export { keepDelivery, readBody } from './ledger.ts';
export { type Change, isConditionFailure, itemOf, mergeInto, Store, type StoreDeps, stateOf } from './table.ts';
