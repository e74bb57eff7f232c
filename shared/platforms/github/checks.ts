import { createHash } from 'node:crypto';
import { isEnded } from '../../model/index.ts';
import { ids } from '../../store/keys.ts';
import { linkOf, nameOf, timeOf } from '../clean.ts';
import type { DeliveredEvent, PlatformFacts } from '../port.ts';
import { factsOfSingleRun, idOf } from '../single-run.ts';
import { factsOfDeploymentOf, joined } from './deployments.ts';
import type { CheckRunEvent, CheckSuiteEvent, CommitStatusEvent, NativeRepository } from './payloads.ts';
import { COMMIT_STATE, statusOf } from './status.ts';

const [platform, kind] = ['github', 'check'] as const;
const repositoryOf = ({ id, full_name }: NativeRepository) => ({ repository: full_name, repositoryId: String(id) });
const suiteId = (id: number): string => `check-suite-${id}`;

/** A check that an App reports. Those of GitHub Actions are jobs, and no checks to QMOI. */
export function factsOfCheckRun(event: CheckRunEvent, { origin, receivedAt }: DeliveredEvent): PlatformFacts {
  const { check_run: native, repository } = event;
  const { app, check_suite: suite } = native;
  const status = statusOf(native.status, native.conclusion) ?? 'queued';
  const [started, completed] = [timeOf(native.started_at), timeOf(native.completed_at)];
  const endedAt = isEnded(status) ? (completed ?? receivedAt) : undefined;
  const name = nameOf(native.name);
  const check = factsOfSingleRun(
    {
      platform,
      kind,
      externalId: `check-${native.id}`,
      automation: { externalId: idOf('check', repository.id, app?.slug ?? app?.id ?? 0, name ?? ''), name },
      ...repositoryOf(repository),
      status,
      statusAt: endedAt ?? started ?? receivedAt,
      branch: nameOf(suite?.head_branch),
      commit: nameOf(native.head_sha),
      url: linkOf(native.html_url),
      actor: nameOf(app?.slug) ?? nameOf(app?.name),
      // GitHub sets it when a check is created, too.
      ...(status === 'queued' ? { queuedAt: started } : { startedAt: started }),
      endedAt,
      environment: nameOf(native.deployment?.environment),
      parentRunId: suite?.id ? ids.run(platform, suiteId(suite.id), 1) : undefined,
    },
    origin,
  );
  if (!native.deployment) return check;
  const parentRunId = ids.run(platform, `check-${native.id}`, 1);
  return joined(check, factsOfDeploymentOf(repository, native.deployment, { origin, receivedAt }, { parentRunId }));
}

/** All checks that an App reports of one commit, once the last of them has ended. */
export function factsOfCheckSuite(event: CheckSuiteEvent, { origin, receivedAt }: DeliveredEvent): PlatformFacts {
  const { check_suite: native, repository } = event;
  const status = statusOf(native.status ?? 'queued', native.conclusion) ?? 'queued';
  const [created, updated] = [timeOf(native.created_at), timeOf(native.updated_at) ?? receivedAt];
  const app = nameOf(native.app?.slug) ?? nameOf(native.app?.name);
  return factsOfSingleRun(
    {
      platform,
      kind,
      externalId: suiteId(native.id),
      automation: {
        externalId: idOf('check-suite', repository.id, app ?? native.app?.id ?? 0),
        name: nameOf(native.app?.name) ?? app,
      },
      ...repositoryOf(repository),
      status,
      statusAt: updated,
      branch: nameOf(native.head_branch),
      commit: nameOf(native.head_sha),
      actor: app,
      queuedAt: created,
      endedAt: isEnded(status) ? updated : undefined,
    },
    origin,
  );
}

/** A commit status has a new id each time it is set; what stays is whose word it is on which commit. */
export function factsOfCommitStatus(event: CommitStatusEvent, { origin, receivedAt }: DeliveredEvent): PlatformFacts {
  const { repository, sha, context, branches } = event;
  const status = COMMIT_STATE[event.state];
  const statusAt = timeOf(event.updated_at) ?? timeOf(event.created_at) ?? receivedAt;
  const key = createHash('sha256').update(`${repository.id}\n${sha}\n${context}`).digest('hex').slice(0, 32);
  return factsOfSingleRun(
    {
      platform,
      kind: 'status',
      externalId: `status-${key}`,
      automation: { externalId: idOf('status', repository.id, context.trim()), name: nameOf(context) },
      ...repositoryOf(repository),
      status,
      statusAt,
      // A commit can be on many branches, of which GitHub names ten.
      branch: branches?.length === 1 ? nameOf(branches[0]?.name) : undefined,
      commit: sha,
      url: linkOf(event.target_url),
      actor: nameOf(event.sender?.login),
      ...(isEnded(status) ? { endedAt: statusAt } : { startedAt: statusAt }),
    },
    origin,
  );
}
