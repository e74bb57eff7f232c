import type { Rule } from '../types.ts';
import { checkerRules } from './checkers.ts';
import { compilerRules } from './compilers.ts';
import { dependencyResolutionRules } from './dependency-resolution.ts';
import { dependencyToolsRules } from './dependency-tools.ts';
import { networkConnectionsRules } from './network-connections.ts';
import { networkNamesRules } from './network-names.ts';
import { networkRegistriesRules } from './network-registries.ts';
import { performanceRules } from './performance.ts';
import { platformDeployRules } from './platform-deploy.ts';
import { platformHostedRules } from './platform-hosted.ts';
import { runnerContainerRules } from './runner-container.ts';
import { runnerMachineRules } from './runner-machine.ts';
import { sourceGitRules } from './source-git.ts';
import { sourceProgramsRules } from './source-programs.ts';
import { sourceSettingsRules } from './source-settings.ts';
import { systemProgramsRules } from './system-programs.ts';
import { systemResourcesRules } from './system-resources.ts';
import { testRules } from './tests.ts';

/**
 * All rules. Precedence is by tier first (`Tier`); within a tier the order here decides only which rule takes a line that
 * several match: the machine before the network before the work itself, and in each file the particular before the general.
 */
export const rules: readonly Rule[] = [
  ...runnerMachineRules,
  ...runnerContainerRules,
  ...performanceRules,
  ...systemResourcesRules,
  ...systemProgramsRules,
  ...platformHostedRules,
  ...platformDeployRules,
  ...networkNamesRules,
  ...networkConnectionsRules,
  ...networkRegistriesRules,
  ...sourceGitRules,
  ...sourceSettingsRules,
  ...sourceProgramsRules,
  ...dependencyResolutionRules,
  ...dependencyToolsRules,
  ...compilerRules,
  ...checkerRules,
  ...testRules,
];
