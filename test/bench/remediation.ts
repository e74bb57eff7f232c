/**
 * How well playbooks are learned, and how fast they are chosen: node --import tsx test/bench/remediation.ts [seeds]
 * Hidden rates uniform on 0..1, 50 causes, 8 playbooks, 20,000 incidents a seed; beside one who knows the rates, and the best
 * playbook for all causes.
 */
import { simulate, triesUntilOff } from '../support/learning.ts';

const seeds = Number(process.argv[2] ?? 20);
const start = performance.now();
const results = Array.from({ length: seeds }, (_, seed) => simulate(`bench ${seed}`));
const perChoice = (performance.now() - start) / (seeds * 20_000);
const spread = (values: number[]): string => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(3);
  return `${at(0)} (worst)  ${at(0.5)} (median)  ${at(1)} (best)`;
};
console.log(`of the oracle's successes    ${spread(results.map(({ all }) => all))}`);
console.log(`in the last quarter          ${spread(results.map(({ last }) => last))}`);
console.log(`best fixed playbook          ${spread(results.map(({ fixed }) => fixed))}`);
const tries = Array.from({ length: 100 }, (_, seed) => triesUntilOff(`bench ${seed}`)).sort((a, b) => a - b);
console.log(
  `tries until a playbook 0.2 worse than waiting is off: ${tries[49]} (median), ${tries[94]} (95 of 100 seeds)`,
);
console.log(`a choice takes               ${(perChoice * 1000).toFixed(1)} µs`);
