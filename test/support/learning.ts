import { type Arm, choose, isDemoted, randomOf, WAIT } from '../../shared/remediation/learning/index.ts';

/** Playbooks whose hidden rates are to be learned, as the acceptance of the learning wants it; for its test and its bench. */

const NONE = { successes: 0, failures: 0 };

/** 50 causes × 8 playbooks with hidden rates, 20,000 incidents; what was won, of what an oracle would have won. */
export function simulate(seed: string) {
  const [CAUSES, PLAYBOOKS, INCIDENTS] = [50, 8, 20_000];
  const random = randomOf(seed);
  const rates = Array.from({ length: CAUSES }, () => Array.from({ length: PLAYBOOKS }, random));
  const tallies = rates.map((row) => row.map(() => ({ successes: 0, failures: 0 })));
  const won = { all: 0, last: 0, oracle: 0, oracleLast: 0, fixed: Array.from({ length: PLAYBOOKS }, () => 0) };
  for (let incident = 0; incident < INCIDENTS; incident++) {
    const cause = Math.floor(random() * CAUSES);
    const [row = [], known = []] = [rates[cause], tallies[cause]];
    const arms: Arm[] = known.map((tally, playbook) => ({ playbook: String(playbook), tally }));
    const { choice } = choose(arms, NONE, { seed: `${seed} ${incident}`, holdOut: 0 });
    // One luck for all of them, so that they are compared on the same incident.
    const luck = random();
    const helped = luck < (row[Number(choice)] ?? 0);
    const tally = known[Number(choice)];
    if (tally !== undefined) tally[helped ? 'successes' : 'failures']++;
    const oracle = luck < Math.max(...row);
    const last = incident >= INCIDENTS * 0.75;
    won.all += Number(helped);
    won.oracle += Number(oracle);
    won.last += Number(helped && last);
    won.oracleLast += Number(oracle && last);
    for (const [playbook, rate] of row.entries())
      won.fixed[playbook] = (won.fixed[playbook] ?? 0) + Number(luck < rate);
  }
  return { all: won.all / won.oracle, last: won.last / won.oracleLast, fixed: Math.max(...won.fixed) / won.oracle };
}

/** After how many tries a playbook that is worse than waiting is off; Infinity: not within the incidents there were. */
export function triesUntilOff(seed: string): number {
  const random = randomOf(seed);
  const baseline = 0.2 + 0.8 * random();
  const rate = baseline - 0.2;
  const [tally, waited] = [
    { successes: 0, failures: 0 },
    { successes: 0, failures: 0 },
  ];
  for (let incident = 0; incident < 5_000; incident++) {
    const { choice } = choose([{ playbook: 'p', tally }], waited, { seed: `${seed} ${incident}`, holdOut: 0.02 });
    if (isDemoted(tally, waited)) return tally.successes + tally.failures;
    const subject = choice === WAIT ? waited : tally;
    subject[random() < (choice === WAIT ? baseline : rate) ? 'successes' : 'failures']++;
  }
  return Number.POSITIVE_INFINITY;
}
