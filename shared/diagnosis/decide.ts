import { type Candidate, type Group, hard } from './evidence.ts';
import type { Section } from './structure.ts';
import type { Rule, Tier } from './types.ts';

export interface Verdict {
  readonly rule: Rule;
  /** The rule's own answer, or null where the log makes it doubtful. */
  readonly transient: boolean | null;
  readonly best: Candidate;
  readonly group: Group;
  readonly confidence: number;
}

interface Match {
  readonly rule: Rule;
  readonly group: Group;
  readonly order: number;
  /** Line of the last match that still counts. */
  readonly at: number;
  readonly demoted: boolean;
  readonly preferred: boolean;
}

const RANK: Readonly<Record<Tier, number>> = { decisive: 0, cause: 1, verdict: 2, symptom: 3 };
const CONFIDENCE: Readonly<Record<Tier, number>> = { decisive: 0.95, cause: 0.9, verdict: 0.85, symptom: 0.6 };
/** A step that printed so many more lines has most likely survived the error. */
const REACH = 300;

/**
 * Which rule explains the failure. The order of precedence:
 * 1. Only sections that failed count (`LogStructure.failing`); what was retried with success, or warned of, never does.
 * 2. Within a section the tier: decisive, cause, verdict, symptom. Within a tier the master's own rules win over built-in
 *    ones; then the later match, since a step that went on has survived what came before; on one line the rule that is
 *    listed first.
 * 3. A rerun must not hide a defect. A transient cause yields to a verdict that follows it (tests that ran and failed). Far
 *    from the end of its section it yields to anything that follows, and counts as transient no more.
 * 4. A rule that also matches a green log yields to every other. One that does so anywhere explains nothing where the green log
 *    of this job is not at hand (it is not given here then).
 * 5. Between several failed sections a decisive match wins, then one that a rerun does not fix, then the last.
 */
export function decide(
  groups: readonly Group[],
  rules: readonly Rule[],
  log: {
    known: boolean;
    length: number;
    demoted?: (rule: Rule) => boolean;
    preferred?: ReadonlySet<string> | undefined;
  },
): Verdict | undefined {
  const bySection = new Map<Section, Match[]>();
  for (const group of groups) {
    const rule = rules[group.rule];
    const last = hard(group, 'last');
    if (!rule || !last) continue;
    const matches = bySection.get(group.section) ?? [];
    const preferred = log.preferred?.has(rule.id) ?? false;
    matches.push({ rule, group, order: group.rule, at: last.number, demoted: log.demoted?.(rule) ?? false, preferred });
    bySection.set(group.section, matches);
  }
  const endOf = (section: Section): number => section.errorAt || section.nextAt || log.length;
  const all = [...bySection].map(([section, matches]) => ofSection(matches, endOf(section)));
  const firm = all.filter(({ demoted }) => !demoted);
  const winners = firm.length > 0 ? firm : all;
  const winner =
    winners.findLast((match) => match.rule.tier === 'decisive') ??
    winners.find((match) => match.rule.transient !== true) ??
    winners.at(-1);
  if (!winner) return undefined;
  // A cascade of errors starts with the one that matters; of repeated attempts the last is the failure.
  const best = hard(winner.group, winner.rule.transient === true ? 'last' : 'first');
  if (!best) return undefined;
  const rivals = (bySection.get(winner.group.section) ?? []).filter(
    (match) => match.rule.tier === winner.rule.tier && match.rule.category !== winner.rule.category,
  );
  const survived = winner.rule.tier !== 'decisive' && endOf(winner.group.section) - winner.at > REACH;
  const doubt = (log.known ? 0 : 0.1) + (rivals.length > 0 ? 0.1 : 0) + (survived || winner.demoted ? 0.3 : 0);
  return {
    rule: winner.rule,
    transient: survived && winner.rule.transient === true ? null : winner.rule.transient,
    best,
    group: winner.group,
    confidence: Math.round((CONFIDENCE[winner.rule.tier] - doubt) * 100) / 100,
  };
}

function ofSection(matches: readonly Match[], end: number): Match {
  const firm = matches.filter(({ demoted }) => !demoted);
  const ranked = [...(firm.length > 0 ? firm : matches)].sort(
    (a, b) =>
      RANK[a.rule.tier] - RANK[b.rule.tier] ||
      Number(b.preferred) - Number(a.preferred) ||
      b.at - a.at ||
      a.order - b.order,
  );
  const first = ranked[0] as Match;
  if (first.rule.tier !== 'cause' || first.rule.transient !== true) return first;
  const later = ranked.filter((match) => match.at > first.at);
  return later.find((match) => match.rule.tier === 'verdict' || end - first.at > REACH) ?? first;
}
