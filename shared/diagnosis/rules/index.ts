import type { Rule } from '../types.ts';
import { buildRules } from './build.ts';
import { dependencyRules } from './dependencies.ts';
import { networkRules } from './network.ts';
import { performanceRules } from './performance.ts';
import { platformRules } from './platform.ts';
import { runnerRules } from './runner.ts';
import { sourceRules } from './source.ts';
import { systemRules } from './system.ts';
import { testRules } from './test.ts';

/**
 * All rules. Precedence is by tier first (`Tier`); within a tier the order here decides only which rule takes a line that
 * several match: the machine before the network before the work itself, and in each file the particular before the general.
 */
export const rules: readonly Rule[] = [
  ...runnerRules,
  ...performanceRules,
  ...systemRules,
  ...platformRules,
  ...networkRules,
  ...sourceRules,
  ...dependencyRules,
  ...buildRules,
  ...testRules,
];
