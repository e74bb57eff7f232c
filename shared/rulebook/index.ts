export { type Applied, applyRule } from './apply.ts';
export { asRule, type Book, type BookRule, bookOf, type OwnRules, readBook } from './book.ts';
export { GreenSample, keepGreenLines } from './green-lines.ts';
export { keepRule, MAX_KEPT } from './kept.ts';
export { noteGreen, noteHit, type Standing, standings } from './standing.ts';
export { type Trial, type Tried, tryRule } from './trial.ts';
export { noteUnknown, type UnknownCluster, type UnknownFailure, unknownClusters } from './unknowns.ts';
