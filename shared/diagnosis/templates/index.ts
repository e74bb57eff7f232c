export { withoutEnd } from './characters.ts';
export { isCalendarWord, isHost, isMail, isUnit, maskedTokens } from './mask.ts';
export { type MinerOptions, type Shape, type Template, TemplateMiner, type TemplateState } from './miner.ts';
export { readLines } from './read-lines.ts';
