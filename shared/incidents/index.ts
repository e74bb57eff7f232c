export { advance, attach, makeGood } from './incidents.ts';
export { priorityOf } from './priority.ts';
