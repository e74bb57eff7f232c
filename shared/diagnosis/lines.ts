/** What a line says about itself, whatever tool wrote it. All patterns are anchored or of fixed width: linear. */

/** A passing test, whose name may quote any error. */
const PASSED = /^\s{0,60}(?:[✓✔√☑] |ok \d|PASS[: ]|--- PASS|\[ {6} OK \]|\[ {2}PASSED )/;
/** A compiler's or test runner's quotation of source: ` 12 | code`, `> 12 | code`. */
const QUOTED = /^\s{0,8}(?:>\s{0,3})?\d{1,6}\s{0,3}[|│]/;
const WARNING = /^(?:warn(?:ing)?\b|npm warn\b|W:|\[warn(?:ing)?\])/i;

/** Says that the thing just reported will be tried again. */
const RETRY =
  /\b(?:retrying|re-trying|(?:will|going to|about to) retry|retry (?:in|after|#?\d|attempt #?\d)|before retry|trying again|will try|try again in|reconnecting|back off \d|attempt #?\d{1,3}(?: of |\/)\d{1,3}|attempt #?\d{1,3} failed)/i;
/** Cypress's word for having given up: `Timed out retrying after 4000ms`. */
const RETRIED = /\btimed out retrying\b/i;
/** Says that no further try will follow: what was reported before it is the failure after all. */
const SURRENDER =
  /\b(?:giv(?:ing|es?) up|gave up|after \d{1,3} (?:attempts?|tries|retries)|retries (?:exceeded|exhausted)|max(?:imum)? (?:number of )?retries|retry attempts? exhausted|no more retries|attempts? failed)\b|\(from versions: none\)/i;

/** True of nearly every failure, hence evidence of none. */
const GENERIC =
  /^(?:executing the custom container implementation failed|(?:error: )?process completed with exit code|error: job failed: (?:exit code|command terminated|exit status)|cleaning up |.{0,80}exit(?:ed)? (?:with )?(?:code|status) \d{1,3}\.?$|the command ".{0,300}" (?:exited|failed)|script returned exit code|g?n?make(?:\[\d+\])?: \*\*\* .{0,200} error \d+|npm (?:err!|error)(?: a complete log| lifecycle script| code (?:elifecycle|\d)| errno \d| command (?:sh|failed)| path |$)|build step '.{0,80}' marked|finished: failure|\[(?:info|error)\] build failure|failure: build failed with an exception|build failed(?: in .{0,20})?$|error: could not compile|error command failed with exit code|compilation terminated|collect2: error: ld returned|ninja: build stopped|error: task .{0,80} failed|\* (?:try|what went wrong):)/i;

export function isPassing(text: string): boolean {
  if (PASSED.test(text) || text.endsWith('... ok')) return true;
  const at = text.indexOf(' PASSED');
  return at >= 0 && at <= 300 && (at + 7 === text.length || text[at + 7] === ' ');
}
export const isQuoted = (text: string): boolean => QUOTED.test(text);
export const isWarning = (text: string): boolean => WARNING.test(text);
export const announcesRetry = (text: string): boolean => RETRY.test(text) && !RETRIED.test(text);
export const surrenders = (text: string): boolean => SURRENDER.test(text);
export const isGeneric = (text: string): boolean => GENERIC.test(text);

export const retryLiterals = [
  'retry',
  're-try',
  'try again',
  'trying again',
  'will try',
  'reconnecting',
  'back off',
  'attempt',
] as const;
export const surrenderLiterals = [
  'retries',
  'giving up',
  'gave up',
  'gives up',
  'attempt',
  ' tries',
  'from versions: none',
] as const;
export const errorLiterals = [
  'error',
  'fatal',
  'fail',
  'exception',
  'panic',
  'denied',
  'cannot ',
  'could not',
  'unable to',
  'not found',
  'abort',
] as const;

const LEADING = /^(?:\[?\S{1,60}\]?:? ){0,2}\[?(?:fatal|error|panic|err!|failed|failure)\b[\]:![( ]/i;
const NAMED = /(?:^|[\s.])(?:[A-Z]\w{0,60})?(?:Error|Exception|Failure)\b[:( ]/;
const WORD =
  /(?:^|[^\w-])(?:failed|failure|fatal|panicked|aborted|cannot|could not|unable to|not found|denied|error:)(?:[^\w-]|$)/i;
const HARMLESS = /\b(?:0|no) (?:errors?|failures?|failed)\b|\bwithout errors?\b/i;

/** How much a line looks like an error: 0 not at all, up to 6. */
export function errorScore(text: string): number {
  if (isGeneric(text) || isWarning(text) || isPassing(text) || HARMLESS.test(text.slice(0, 400))) return 0;
  const head = text.slice(0, 400);
  return (LEADING.test(head) ? 3 : 0) + (NAMED.test(head) ? 2 : 0) + (WORD.test(head) ? 1 : 0);
}
