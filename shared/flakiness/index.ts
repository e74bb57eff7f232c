export { noteFlips, settleFlake } from './flakiness.ts';
