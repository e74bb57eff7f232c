export { covers, keepWindows, openWindows, type Place, type Window } from './windows.ts';
