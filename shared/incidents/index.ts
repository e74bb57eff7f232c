export { correlate, incidentsWith } from './correlation.ts';
export { runsOf } from './failures.ts';
export { advance, attach, closeIfGood, closeQuiet, makeGood, type Seen, stayAttached } from './incidents.ts';
export { type Circumstances as CauseCircumstances, priorityOf, severityOf, termsOf } from './priority.ts';
export { mergeIncidents, RegroupRefused, type Selection, splitIncident } from './regroup.ts';
