export { openSources, type Sources } from './open.ts';
