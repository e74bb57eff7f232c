import { type Playbook, playbook } from '../playbook.ts';
import { githubLadder, gitlabLadder } from './ladders.ts';
import { patientRetry } from './patient-retry.ts';
import { quarantineRunner } from './quarantine-runner.ts';
import { rerunWithDebug } from './rerun-with-debug.ts';
import { retryFailedJobs } from './retry-failed-jobs.ts';

/** Every playbook, in the order in which they are considered. */
export const playbooks: readonly Playbook[] = [
  retryFailedJobs,
  rerunWithDebug,
  patientRetry,
  githubLadder,
  gitlabLadder,
  quarantineRunner,
].map((one) => playbook.parse(one));

const byId = new Map(playbooks.map((one) => [one.id, one]));
if (byId.size < playbooks.length) throw new Error('two playbooks share an id');

export const playbookOf = (id: string): Playbook | undefined => byId.get(id);
