export { aloneAt, isAlone, jobName, leftOver } from './alone.ts';
export { type Canary, canaryOf, canaryRunOf, leaderOf } from './canary.ts';
export { endPlan, giveUp, goesOn, narrowed, type PlannedStep, plannedStep, prepared, standingOf } from './plan.ts';
export { type Root, seeTo, standingOfRoot, suspectedRoot, toldByRoot } from './root.ts';
