import type { FailureFact, IncidentFact, JobFact, RemediationFact, RunFact } from '../../shared/model/index.ts';
import { ids } from '../../shared/store/index.ts';

/** Facts as the platforms would tell them, for tests that need items and do not care where they come from. */

const seen = { statusAt: '2026-03-04T05:06:07.000Z', origin: 'live' } as const;
const where = { platform: 'github', repository: 'acme/web' };

export const aRun = (externalId: string, more: Partial<RunFact> = {}): RunFact => {
  const { platform, attempt = 1 } = { ...where, ...more };
  return {
    id: ids.run(platform, externalId, attempt),
    ...seen,
    ...where,
    externalId,
    attempt,
    status: 'failed',
    name: 'ci',
    ...more,
  };
};

export const aJob = (runExternalId: string, externalId: string, more: Partial<JobFact> = {}): JobFact => {
  const { platform, attempt = 1 } = { ...where, ...more };
  return {
    id: ids.job(platform, runExternalId, externalId),
    ...seen,
    ...where,
    externalId,
    attempt,
    runId: ids.run(platform, runExternalId, attempt),
    status: 'failed',
    name: 'build',
    steps: [{ number: 1, name: 'checkout', status: 'failed' }],
    ...more,
  };
};

export const aFailure = (runExternalId: string, externalId: string, more: Partial<FailureFact> = {}): FailureFact => ({
  id: ids.job('github', runExternalId, externalId),
  ...seen,
  ...where,
  externalId,
  attempt: 1,
  jobId: ids.job('github', runExternalId, externalId),
  runId: ids.run('github', runExternalId, 1),
  failedAt: seen.statusAt,
  status: 'diagnosed',
  category: 'network',
  cause: 'dns-resolution-failed',
  transient: true,
  severity: 'medium',
  priority: 3,
  fingerprint: 'f1',
  ...more,
});

export const anIncident = (fingerprint: string, more: Partial<IncidentFact> = {}): IncidentFact => ({
  id: ids.incident(fingerprint, 1),
  ...seen,
  ...where,
  fingerprint,
  episode: 1,
  status: 'open',
  title: 'DNS does not resolve',
  cause: 'dns-resolution-failed',
  category: 'network',
  severity: 'medium',
  priority: 3,
  firstSeenAt: seen.statusAt,
  lastSeenAt: seen.statusAt,
  ...more,
});

export const aFix = (runExternalId: string, more: Partial<RemediationFact> = {}): RemediationFact => ({
  id: ids.remediation(`github:${runExternalId}`, 'rerun-failed-jobs', 1),
  ...seen,
  ...where,
  externalId: runExternalId,
  subject: ids.run('github', runExternalId, 1),
  runId: ids.run('github', runExternalId, 1),
  attempt: 1,
  action: 'rerun-failed-jobs',
  playbook: 'retry',
  strategy: 'immediate',
  status: 'proposed',
  targets: ['build'],
  incidentIds: ['f1:1'],
  incidentId: 'f1:1',
  ...more,
});
