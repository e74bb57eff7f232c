import {
  failureReason,
  GITLAB,
  jobDuration,
  jobQueued,
  jobStatus,
  pipelineDuration,
  pipelineStatus,
  userId,
} from './gitlab-fields.ts';
import { stageOf } from './gitlab-runs.ts';
import { latest, logOf } from './run-state.ts';
import type { Job, Json, JsonObject, Run, TestSpec } from './types.ts';

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

function person(login: string): JsonObject {
  return {
    id: userId(login),
    username: login,
    name: login,
    state: 'active',
    locked: false,
    avatar_url: null,
    web_url: `${GITLAB}/${login}`,
  };
}

export function pipelineBasic(run: Run): JsonObject {
  return {
    id: run.id,
    iid: run.number,
    project_id: run.repository.id,
    sha: run.commit,
    ref: run.branch,
    status: pipelineStatus(run),
    source: run.event,
    created_at: iso(run.createdAt),
    updated_at: iso(latest(run).updatedAt),
    web_url: `${GITLAB}/${run.repository.fullName}/-/pipelines/${run.id}`,
    name: run.spec.workflow ?? null,
  };
}

export function pipeline(run: Run): JsonObject {
  return {
    ...pipelineBasic(run),
    before_sha: '0000000000000000000000000000000000000000',
    tag: false,
    yaml_errors: null,
    user: person(latest(run).actor),
    started_at: iso(run.startedAt),
    finished_at: iso(run.finishedAt),
    committed_at: null,
    duration: pipelineDuration(run),
    queued_duration: run.startedAt === null ? null : Math.round((run.startedAt - run.createdAt) / 1000),
    coverage: null,
  };
}

export function job(run: Run, found: Job): JsonObject {
  const reason = failureReason(found);
  return {
    id: found.id,
    status: jobStatus(found),
    stage: stageOf(found.spec),
    name: found.spec.name,
    ref: run.branch,
    tag: false,
    coverage: null,
    allow_failure: found.spec.allowFailure ?? false,
    created_at: iso(found.createdAt),
    started_at: iso(found.startedAt),
    finished_at: iso(found.finishedAt),
    erased_at: null,
    duration: jobDuration(found),
    queued_duration: jobQueued(found),
    user: person(latest(run).actor),
    commit: {
      id: run.commit,
      short_id: run.commit.slice(0, 8),
      created_at: iso(run.createdAt),
      title: run.message.split('\n')[0] ?? '',
      message: run.message,
      author_name: 'Ada Keller',
      author_email: 'ada.keller@example.com',
    },
    pipeline: pipelineBasic(run),
    // Present only on a failed job.
    ...(reason ? { failure_reason: reason } : {}),
    web_url: `${GITLAB}/${run.repository.fullName}/-/jobs/${found.id}`,
    project: { ci_job_token_scope_enabled: false },
    artifacts: [],
    runner:
      found.startedAt === null
        ? null
        : {
            id: found.runner.id,
            description: found.runner.name,
            active: true,
            paused: false,
            is_shared: found.runner.group === undefined,
            runner_type: found.runner.group ?? 'instance_type',
            name: 'gitlab-runner',
            online: true,
            status: 'online',
          },
    artifacts_expire_at: null,
    archived: false,
    tag_list: found.runner.labels,
  };
}

/** A trace as a runner writes it: what it ran on, the script's output, and why the job failed. */
export function gitlabLog(found: Job): string | Uint8Array {
  const log = logOf(found);
  if (typeof log !== 'string' || log.includes('Running with gitlab-runner')) return log;
  const at = Math.floor((found.startedAt ?? found.createdAt) / 1000);
  const head = [
    `\u001B[0KRunning with gitlab-runner 18.4.0 (139a0ac0)\u001B[0;m`,
    `\u001B[0K  on ${found.runner.name}, system ID: s_${found.runner.id}\u001B[0;m`,
    `section_start:${at}:step_script\r\u001B[0K\u001B[0K\u001B[36;1mExecuting "step_script" stage of the job script\u001B[0;m\u001B[0;m`,
  ];
  const ends: Record<string, string> = {
    success: '\u001B[32;1mJob succeeded\u001B[0;m',
    failure: '\u001B[31;1mERROR: Job failed: exit code 1\u001B[0;m',
    timed_out: '\u001B[31;1mERROR: Job failed: execution took longer than 1h0m0s seconds\u001B[0;m',
    cancelled: '\u001B[31;1mERROR: Job failed: canceled\u001B[0;m',
  };
  const tail = ends[found.conclusion ?? 'success'] ?? '';
  return `${head.join('\n')}\n${log.replace(/\n$/, '')}\nsection_end:${at}:step_script\r\u001B[0K${tail}\n`;
}

/** Of the jobs that have reported tests, which GitLab reads when they have ended. */
export function testReport(jobs: readonly Job[]): Json {
  const reports = jobs
    .filter(({ status }) => status === 'finished')
    .map(({ id, execution, spec: { name, tests, testsOnRetry = tests } }) => ({
      ...{ id, name, tests: execution === 0 ? tests : testsOnRetry },
    }));
  const suites = reports.flatMap(({ id, name, tests }) =>
    tests === undefined
      ? []
      : {
          ...{ name, total_time: tests.length, ...counts(tests), suite_error: null, build_ids: [id] },
          test_cases: tests.map((test) => ({ ...test, execution_time: 1, system_output: null, stack_trace: null })),
        },
  );
  return { total_time: 0, ...counts(reports.flatMap(({ tests = [] }) => tests)), test_suites: suites };
}

function counts(tests: readonly TestSpec[]) {
  const of = (status: TestSpec['status']): number => tests.filter((test) => test.status === status).length;
  return {
    total_count: tests.length,
    ...{ success_count: of('success'), failed_count: of('failed') },
    ...{ skipped_count: of('skipped'), error_count: of('error') },
  };
}
