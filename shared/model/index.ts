import { automation } from './automation.ts';
import { flake } from './flakiness.ts';
import { runner } from './inventory.ts';
import { delivery } from './ledger.ts';
import { job, run } from './pipeline.ts';
import { control, notification, remediation } from './response.ts';
import { completeness, source } from './source.ts';
import { failure, incident } from './trouble.ts';

export * from './automation.ts';
export * from './flakiness.ts';
export * from './inventory.ts';
export { canonical, type Timestamp } from './join.ts';
export * from './ledger.ts';
export { isLive, type Machine, ORIGINS, type Origin } from './machine.ts';
export * from './pipeline.ts';
export * from './response.ts';
export { SCHEDULE_SETTERS, type Schedule } from './schedule.ts';
export * from './source.ts';
export * from './trouble.ts';

/** Every state machine, by the name of its entity. */
export const machines = {
  delivery,
  run,
  job,
  runner,
  automation,
  failure,
  incident,
  remediation,
  notification,
  control,
  flake,
  source,
  completeness,
} as const;

export type EntityName = keyof typeof machines;
type MachineOf<E extends EntityName> = (typeof machines)[E];
export type State<E extends EntityName = EntityName> = ReturnType<MachineOf<E>['merge']>;
export type Fact<E extends EntityName = EntityName> = Parameters<MachineOf<E>['merge']>[1];
export const ENTITIES = Object.keys(machines) as EntityName[];
