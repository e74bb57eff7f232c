import { type Candidate, type Group, hard } from './evidence.ts';
import type { Section } from './structure.ts';
import type { Rule, Tier } from './types.ts';

export interface Verdict {
  readonly rule: Rule;
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
}

const RANK: Readonly<Record<Tier, number>> = { decisive: 0, cause: 1, verdict: 2, symptom: 3 };
const CONFIDENCE: Readonly<Record<Tier, number>> = { decisive: 0.95, cause: 0.9, verdict: 0.85, symptom: 0.6 };
/** Lines between what failed first and what ended the step, beyond which the two are taken for unrelated. */
const REACH = 300;

/**
 * Which rule explains the failure. The order of precedence:
 * 1. Only sections that failed count (`LogStructure.failing`); what was retried with success, or warned of, never does.
 * 2. Within a section the tier: decisive, cause, verdict, symptom. Within a tier the later match wins, since a step that
 *    went on has survived what came before; on one line the rule that is listed first.
 * 3. A rerun must not hide a defect. A transient cause yields to a verdict that follows it (tests that ran and failed),
 *    and to anything that follows it at a distance.
 * 4. Between several failed sections a decisive match wins, then one that a rerun does not fix, then the last.
 */
export function decide(groups: readonly Group[], rules: readonly Rule[], known: boolean): Verdict | undefined {
  const bySection = new Map<Section, Match[]>();
  for (const group of groups) {
    const rule = rules[group.rule];
    const last = hard(group, 'last');
    if (!rule || !last) continue;
    const matches = bySection.get(group.section) ?? [];
    matches.push({ rule, group, order: group.rule, at: last.number });
    bySection.set(group.section, matches);
  }
  const winners = [...bySection.values()].map(ofSection).filter((match) => match !== undefined);
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
  const confidence = CONFIDENCE[winner.rule.tier] - (known ? 0 : 0.1) - (rivals.length > 0 ? 0.1 : 0);
  return { rule: winner.rule, best, group: winner.group, confidence: Math.round(confidence * 100) / 100 };
}

function ofSection(matches: readonly Match[]): Match | undefined {
  const ranked = [...matches].sort((a, b) => RANK[a.rule.tier] - RANK[b.rule.tier] || b.at - a.at || a.order - b.order);
  const first = ranked[0];
  if (first?.rule.tier !== 'cause' || first.rule.transient !== true) return first;
  const end = Math.max(...matches.map((match) => match.at));
  return (
    ranked.find(
      (match) =>
        match.at > first.at && (match.rule.tier === 'verdict' || (end - first.at > REACH && end - match.at <= REACH)),
    ) ?? first
  );
}
