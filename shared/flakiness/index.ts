export { noteFlips, noteFlipsAcrossRuns, settleFlake } from './flakiness.ts';
