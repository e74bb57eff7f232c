import type { Rule } from '../types.ts';
import { buildPlatformRules } from './build-platforms.ts';
import { buildSetupRules } from './build-setup.ts';
import { changePolicyRules } from './change-policy.ts';
import { checkerRules } from './checkers.ts';
import { compilerRules } from './compilers.ts';
import { dependencyResolutionRules } from './dependency-resolution.ts';
import { dependencyToolsRules } from './dependency-tools.ts';
import { deployTargetsRules } from './deploy-targets.ts';
import { networkConnectionsRules } from './network-connections.ts';
import { networkGitRules } from './network-git.ts';
import { networkNamesRules } from './network-names.ts';
import { networkRegistriesRules } from './network-registries.ts';
import { networkServicesRules } from './network-services.ts';
import { networkTlsRules } from './network-tls.ts';
import { performanceRules } from './performance.ts';
import { platformDeployRules } from './platform-deploy.ts';
import { platformHostedRules } from './platform-hosted.ts';
import { runnerContainerRules } from './runner-container.ts';
import { runnerFleetRules } from './runner-fleet.ts';
import { runnerMachineRules } from './runner-machine.ts';
import { sourceGitRules } from './source-git.ts';
import { sourceProgramsRules } from './source-programs.ts';
import { sourceSettingsRules } from './source-settings.ts';
import { systemDevicesRules } from './system-devices.ts';
import { systemProgramsRules } from './system-programs.ts';
import { systemResourcesRules } from './system-resources.ts';
import { testRules } from './tests.ts';

/**
 * All rules. Precedence is by tier first (`Tier`); within a tier the order here decides only which rule takes a line that
 * several match: the machine before the network before the work itself, and in each file the particular before the general.
 */
export const rules: readonly Rule[] = [
  ...runnerFleetRules,
  ...runnerMachineRules,
  ...runnerContainerRules,
  ...performanceRules,
  ...systemDevicesRules,
  ...systemResourcesRules,
  ...systemProgramsRules,
  ...deployTargetsRules,
  ...platformHostedRules,
  ...platformDeployRules,
  ...networkServicesRules,
  ...networkNamesRules,
  ...networkTlsRules,
  ...networkGitRules,
  ...networkConnectionsRules,
  ...networkRegistriesRules,
  ...buildSetupRules,
  ...buildPlatformRules,
  ...sourceGitRules,
  ...sourceSettingsRules,
  ...sourceProgramsRules,
  ...dependencyResolutionRules,
  ...dependencyToolsRules,
  ...compilerRules,
  ...changePolicyRules,
  ...checkerRules,
  ...testRules,
];
