import { errorScore, isGeneric, isPassing, isQuoted, isWarning } from './lines.ts';

/** How much a line says about why something failed. All patterns are anchored, or bounded behind a fixed word: linear. */

/** A level that says the line is no error. */
const CALM =
  /^(?:\[?\d[\d:T.,+Z-]{5,30}\]? )?(?:\S{1,60} )?[[(]?(?:INFO|DEBUG|TRACE|NOTE|notice|VERBOSE|WARN(?:ING)?)\b[\])]?[: ]/i;
const NOISE =
  /^(?:\s*$|travis_(?:time|fold):|Done\. Your build exited|npm (?:ERR!|error)\s*$|npm (?:ERR!|error) (?:A complete log|node v|npm {1,2}v|Linux |argv |System |command |cwd |errno |code |This is probably not|Make sure you have the latest|If you do, this is most likely|not with npm itself|There is likely additional|Tell the author|You can get|Or if that|Failed at the|Exit status)|make(?:\[\d{1,4}\])?: (?:Leaving|Entering) |\[ERROR\] (?:\s*$|To see the full stack|Re-run Maven|For more information|\[Help \d\]|After correcting)|\[INFO\]|> Run with --|\* Get more help|Cleaning up |\[Pipeline\] |Stage "|section_(?:start|end):|##\[(?:group|endgroup|section|command|debug)\]|Uploading |Saving cache|\s*[-=*_~#.+]{4,}\s*$|\d{1,3}(?:\.\d)?%|real\s|user\s|sys\s|[\d.]{1,12}s (?:elapsed|user|system))/;
/** A frame of a stack: part of an explanation, never its head. */
const FRAME =
  /^\s{0,24}(?:at (?:[\w.$<>/@[\]~ -]{1,200}\(|\S{1,300}:\d)|File "|from \S{1,300}:\d+:in |\.\.\. \d+ more|#\d{1,3}\s)/;

const PLACE =
  /^\s{0,8}(?:\[?[A-Za-z]{1,10}\]?:? )?(?:\.{0,2}\/|[A-Za-z]:\\)?[\w@.+~()[\]-][^\s:(]{0,200}\.[A-Za-z]\w{0,9}[:(]\d{1,6}(?:[:,]\d{1,5})?[):]{0,2}\s/;
const COMPILER =
  /^\S{1,250}[:(]\d{1,6}(?:[:,]\d{1,5})?\)?:? (?:fatal )?error\b|^(?:fatal )?error(?:\[\w{1,10}\]| \w{1,4}\d{3,5})?:|: (?:fatal )?error(?: \w{1,4}\d{2,5})?: /i;
const TEST =
  /^\s{0,24}(?:[✗✖✕✘❌] ?\S|● \S|not ok \d|FAIL(?:ED)?[: ]|--- FAIL|\d{1,4}\) \S|_{3,} \S.{0,200} _{3,}$|E {2,}\S|FAILED \S)|(?:\s|^)FAIL(?:ED|URE)?!?\s{0,4}$|<<< (?:FAILURE|ERROR)!|\.{3}\s?(?:FAIL(?:ED)?|ERROR)\b|\s{4}(?:FAIL(?:ED)?|ERROR)$/;
const THROWN =
  /^\s{0,12}(?:Uncaught |Caused by: |Unhandled |Exception in thread |thread '.{0,80}' panicked|panic: |Traceback \(most recent|(?:[\w$]{1,80}[.:]{1,2}){0,12}[\w$]{0,80}(?:Error|Exception|Failure|Fault)\b)/;
const EXPECTED =
  /\b(?:expected\b.{0,300}\b(?:but|got|received|actual|to (?:be|equal|have|include|match|contain)|was|found)|assert(?:ion)? ?fail|did not (?:match|equal|find)|does not match|should (?:be|have|equal))/i;
const TROUBLE =
  /\b(?:no such file|not found|not defined|undefined|undeclared|unexpected|unresolved|unknown|unrecognized|unsupported|unable to|cannot|can't|could not|couldn't|missing|invalid|illegal|mismatch|refused|denied|forbidden|unauthorized|rejected|timed? ?out|timeout|unreachable|no space left|out of memory|killed|crash(?:ed)?|core dumped|segmentation fault|aborted|abort!|conflict|corrupt|exceeded|too (?:long|wide|large|many)|is not (?:a|an|installed|available|allowed|permitted|recognized)|does not exist|doesn't exist|no rule to make|did not|failed|failure|failing|errors?|violat|deprecated and|not (?:in scope|permitted|allowed|supported)|non-zero|bad )/i;
/** Counts or announces failures that are told above: a verdict, no explanation. */
const SUMMARY =
  /^\W{0,12}(?:\w{1,20}:? ){0,2}(?:FAILED|FAILURES?|FAIL|Failed|Failures?)\W{0,4}(?:\(|\d{1,7} |of )|^\W{0,12}\d{1,7} (?:\w{1,20} ){0,3}(?:failed|failures?|errors?|failing)\b|^:?[\w:-]{1,80} FAILED$|^\*\* \w+(?: \w+){0,2} FAILED \*\*$|^(?:> )?There (?:were|are) (?:failing tests|test failures)|^(?:\S{1,200}: )?Execution failed for task|^(?:rake|cargo|Command|The command) (?:aborted|failed)|^Command failed with (?:exit )?(?:status|code)|\bTests? run: \d|^\s{0,8}Executed \d{1,6} tests?|^Caused by: org\.gradle|^GradleException/;
const SKIPPED = /\bskip(?:ped|ping)\b/i;
const DONE_WELL = /\s(?:PASS(?:ED)?|OK|ok|passed|done)\.?\s{0,3}$/;
const NONE =
  /\b(?:0|no|zero) (?:errors?|failures?|failed|failing|problems?)\b|\berrors?[:=] ?0\b|\bfailures?[:=] ?0\b/i;

/** From -3 (says nothing) to about 12 (names the failure). */
export function salience(text: string): number {
  const line = text.length > 400 ? text.slice(0, 400) : text;
  if (NOISE.test(line)) return -3;
  if (isGeneric(line)) return -1;
  if (isPassing(line) || DONE_WELL.test(line)) return -2;
  if (FRAME.test(line)) return -0.5;
  if (isQuoted(line)) return -0.5;
  const nothing = NONE.test(line) && !/\b(?:[1-9]\d*) (?:failed|failures?|errors?)\b/i.test(line);
  if (nothing) return -1;
  let score = errorScore(line);
  if (COMPILER.test(line)) score += 4;
  else if (PLACE.test(line)) score += 2;
  if (TEST.test(line)) score += 4;
  if (THROWN.test(line)) score += 3;
  if (EXPECTED.test(line)) score += 1.5;
  if (TROUBLE.test(line)) score += 1.5;
  if (isWarning(line) || CALM.test(line) || SKIPPED.test(line)) score = Math.min(score, 2) - 2;
  if (SUMMARY.test(line)) score = Math.min(score, 2);
  return score;
}

/** Goes on with what the line before it began: indented deeper, a frame, a marker under a column. */
export function continues(text: string, indent: number): boolean {
  if (text.trim() === '') return false;
  if (FRAME.test(text) || /^\s*(?:[|^~]|-->|=|E {2,}|>|at |\+|\*|\.\.\. )/.test(text.slice(0, 40))) return true;
  return text.search(/\S/) > indent;
}
