import { actionOf } from '../../platforms/actions.ts';
import { type Playbook, playbook, RETRY_STEP, verificationOf } from '../playbook.ts';
import { cancelSuperseded } from './cancel-superseded.ts';
import { githubLadder, gitlabLadder } from './ladders.ts';
import { patientRetry } from './patient-retry.ts';
import { quarantineRunner } from './quarantine-runner.ts';
import { recoveryWorkflow } from './recovery-workflow.ts';
import { rerunWithDebug } from './rerun-with-debug.ts';
import { restartRunner } from './restart-runner.ts';
import { retryFailedJobs } from './retry-failed-jobs.ts';
import { spaceLadder, spaceRestart } from './spaces.ts';
import { vercelRedeploy } from './vercel-redeploy.ts';

/** Every playbook, in the order in which they are considered. */
export const playbooks: readonly Playbook[] = [
  retryFailedJobs,
  rerunWithDebug,
  patientRetry,
  githubLadder,
  gitlabLadder,
  quarantineRunner,
  vercelRedeploy,
  spaceRestart,
  spaceLadder,
  recoveryWorkflow,
  cancelSuperseded,
  restartRunner,
].map((one) => playbook.parse(one));

for (const one of playbooks) {
  const platforms = 'platforms' in one.trigger ? one.trigger.platforms : undefined;
  for (const step of one.steps) {
    const known = (platforms ?? []).flatMap((platform) => actionOf(platform, step.action)?.proof ?? []);
    const proofs = step.action === RETRY_STEP ? ['next-attempt'] : known;
    // A step that is proved by what it does not bring about would never be proved.
    const { by } = verificationOf(one, step);
    if (proofs.length === 0 || proofs.some((proof) => proof !== by)) {
      throw new Error(`${one.id}: ${step.action} is not proved by ${by}`);
    }
  }
}

const byId = new Map(playbooks.map((one) => [one.id, one]));
if (byId.size < playbooks.length) throw new Error('two playbooks share an id');

export const playbookOf = (id: string): Playbook | undefined => byId.get(id);
