import { checkRule, diagnose, type Rule, readSuccess } from '../diagnosis/index.ts';
import type { Failure } from '../model/index.ts';
import { type ListQuery, listEntities, type Page, type Store } from '../store/index.ts';
import type { Book } from './book.ts';
import { greenLines } from './green-lines.ts';

/** A stored failure that a rule matches, and what it was said to be. */
export interface Tried {
  readonly id: string;
  readonly platform: string;
  readonly repository: string;
  readonly cause: string;
}

/** What a rule would do, had it been there. */
export interface Trial {
  /** Whether it may be saved as it is, without `force`. */
  readonly accepted: boolean;
  /** What is wrong with it whatever happened; it is never saved. */
  readonly problems: readonly string[];
  /** What speaks against it in what happened; `force` saves it all the same. */
  readonly doubts: readonly string[];
  readonly tried: { readonly failures: number; readonly greenLogs: number };
  /** Failures that nobody could explain, and it does. */
  readonly explains: { readonly count: number; readonly items: readonly Tried[] };
  /** Failures whose cause it would change. */
  readonly changes: { readonly count: number; readonly items: readonly Tried[]; readonly causes: readonly string[] };
  /** Failures that it matches, and that another rule explains better. */
  readonly yields: number;
  /** Lines of jobs that succeeded. */
  readonly green: readonly string[];
}

const PAGES = 3;
const PAGE = 200;
const SHOWN = 20;
const MAX_GREEN_SHOWN = 5;
/** One cause may have been called by two names; a rule that takes more is no cause. */
const MAX_CAUSES = 2;

/** Tries a rule against the newest stored failures and against samples of green logs. */
export async function tryRule(store: Store, book: Book, rule: Rule): Promise<Trial> {
  const problems = await checkRule(rule);
  const none = { count: 0, items: [] };
  const empty = { tried: { failures: 0, greenLogs: 0 }, explains: none, changes: { ...none, causes: [] } };
  if (problems.length > 0) return { accepted: false, problems, doubts: [], ...empty, yields: 0, green: [] };

  const [failures, samples] = await Promise.all([storedFailures(store), greenLines(store)]);
  const explains: Tried[] = [];
  const changes: Tried[] = [];
  let yields = 0;
  const [only, whole] = [[rule], [rule, ...book.rules.filter(({ id }) => id !== rule.id)]];
  const preferred = new Set([...book.preferred, rule.id]);
  for (const failure of failures) {
    const { id, platform, repository, cause = 'unknown', excerpt = '' } = failure;
    if (cause === rule.id || !holdsAny(excerpt, rule.literals)) continue;
    const context = { platform, jobName: failure.name ?? failure.externalId };
    if ((await diagnose(excerpt, context, { rules: only })).cause !== rule.id) continue;
    const now = await diagnose(excerpt, context, { rules: whole, preferred, demoted: book.demoted });
    if (now.cause !== rule.id) yields++;
    else (cause === 'unknown' ? explains : changes).push({ id, platform, repository, cause });
  }
  const green: string[] = [];
  for (const sample of samples) green.push(...(await matchedLines(sample, only)));
  const causes = [...new Set(changes.map(({ cause }) => cause))].sort();
  const found = {
    problems: green.length === 0 ? [] : [`It matches what jobs print that succeed: ${JSON.stringify(green[0])}.`],
    doubts:
      causes.length <= MAX_CAUSES ? [] : [`It would take failures of ${causes.length} causes: ${causes.join(', ')}.`],
  };
  return {
    accepted: found.problems.length === 0 && found.doubts.length === 0,
    ...found,
    tried: { failures: failures.length, greenLogs: samples.length },
    explains: { count: explains.length, items: explains.slice(0, SHOWN) },
    changes: { count: changes.length, items: changes.slice(0, SHOWN), causes },
    yields,
    green: green.slice(0, MAX_GREEN_SHOWN),
  };
}

/** The newest ones that left something to read. */
export async function storedFailures(store: Store): Promise<Failure[]> {
  const failures: Failure[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES; page++) {
    const query: ListQuery = { filters: { status: ['diagnosed'] }, limit: PAGE, ...(cursor !== null && { cursor }) };
    const found: Page<Failure> = await listEntities(store, 'failure', query);
    failures.push(...found.items.filter(({ excerpt }) => excerpt !== undefined && excerpt !== ''));
    cursor = found.nextCursor;
    if (cursor === null) break;
  }
  return failures;
}

export const holdsAny = (text: string, literals: readonly string[]): boolean => {
  const lower = text.toLowerCase();
  return literals.some((literal) => lower.includes(literal.toLowerCase()));
};

async function matchedLines(sample: string, rules: readonly Rule[]): Promise<string[]> {
  const [{ literals, id } = { literals: [], id: '' }] = rules;
  const lines: string[] = [];
  for (const line of sample.split('\n')) {
    if (!holdsAny(line, literals)) continue;
    if ((await readSuccess(line, undefined, rules)).matched.has(id)) lines.push(line);
    if (lines.length === MAX_GREEN_SHOWN) break;
  }
  return lines;
}
