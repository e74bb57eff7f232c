import {
  type AutomationFact,
  isEnded,
  isUnended,
  type Origin,
  type Outcome,
  type PipelineEnd,
  type RunFact,
} from '../../model/index.ts';
import { ids } from '../../store/keys.ts';
import { cut, linkOf, nameOf, present, timeOf } from '../clean.ts';
import { DEFINITIONS_EVENT, factsOfDefinitions } from '../definitions.ts';
import { type DeliveredEvent, noFacts, type PlatformFacts, type RunLine } from '../port.ts';
import { jsonOf } from '../request.ts';
import { last, orderOf } from './attempts.ts';
import { environmentOf, factsOfBuild, latestOfEach, type Pipeline } from './builds.ts';
import { factsOfDeployment } from './deployments.ts';
import {
  type AnyEvent,
  type Build,
  deploymentEvent,
  type JobEvent,
  jobEvent,
  kindOf,
  type PipelineEvent,
  pipelineEvent,
} from './payloads.ts';
import { statusOf } from './status.ts';

const PLATFORM = 'gitlab';
const MAX_BUILDS = 1000;

/** Facts without attempts: `place` numbers them. */
export function normalise(delivery: DeliveredEvent): PlatformFacts {
  if (delivery.event === DEFINITIONS_EVENT) return factsOfDefinitions(PLATFORM, delivery);
  const payload = jsonOf(delivery.body.toString('utf8'));
  switch (kindOf(delivery.event, payload)) {
    case 'pipeline':
      return factsOfPipeline(pipelineEvent.parse(payload), delivery);
    case 'job':
      return factsOfJob(jobEvent.parse(payload), delivery);
    case 'deployment':
      return factsOfDeployment(deploymentEvent.parse(payload), delivery);
    default:
      return noFacts();
  }
}

/** The path of a project. Older job events have no better place for it than the address of its repository. */
export function repositoryOf(event: AnyEvent): string {
  if ('path_with_namespace' in event) return event.path_with_namespace;
  if (!('build_id' in event)) return event.project.path_with_namespace;
  const { project, repository, project_id } = event;
  return (
    nameOf(project?.path_with_namespace) ??
    pathOf(repository?.git_ssh_url) ??
    pathOf(repository?.url) ??
    pathOf(repository?.homepage) ??
    String(project_id)
  );
}

/** `group/project` of `git@host:group/project.git`, `ssh://git@host:22/group/project.git`, `https://host/group/project`. */
function pathOf(address: string | null | undefined): string | undefined {
  if (!address || address.length > 2048) return undefined;
  const path = URL.canParse(address) ? new URL(address).pathname : address.slice(address.indexOf(':') + 1);
  const trimmed = path.replace(/^\//, '').replace(/\.git$/, '');
  return /^[^\s/]+(?:\/[^\s/]+)+$/.test(trimmed) ? trimmed : undefined;
}

function factsOfPipeline(event: PipelineEvent, { origin, receivedAt }: DeliveredEvent): PlatformFacts {
  const { object_attributes: native, project } = event;
  const pipeline: Pipeline = {
    id: native.id,
    projectId: project.id,
    repository: cut(repositoryOf(event)),
    web: linkOf(project.web_url),
    name: nameOf(native.name),
    branch: nameOf(native.ref),
    commit: nameOf(native.sha),
    source: event.source_pipeline?.pipeline_id,
    origin,
  };
  const builds = (event.builds ?? []).slice(0, MAX_BUILDS);
  const status = statusOf(native.status);
  const [created, finished] = [timeOf(native.created_at), timeOf(native.finished_at)];
  // A pipeline that was skipped never ran, and has no end.
  const outcome = isEnded(status) && status !== 'skipped' ? status : undefined;
  const endedAt = outcome && (finished ?? last(builds.map((build) => timeOf(build.finished_at))) ?? receivedAt);
  const activeAt = last(builds.flatMap((build) => [timeOf(build.created_at), timeOf(build.started_at)])) ?? created;

  const statusAt = endedAt ?? activeAt ?? receivedAt;

  const run: RunFact = present({
    ...bareRun(pipeline, statusAt),
    status,
    url: linkOf(native.url) ?? pipelineLink(pipeline),
    event: nameOf(native.source),
    actor: nameOf(event.user?.username) ?? nameOf(event.user?.name),
    environment: last(builds.map(environmentOf)),
    queuedAt: created,
    endedAt,
    course: {
      ends: outcome === undefined ? [] : [endOf(outcome, statusAt, origin, builds.filter(isSettled))],
      seen: isUnended(status) ? [present({ at: statusAt, status, origin, newestJob: newestOf(builds) })] : [],
    },
  });
  const moments = builds.map((build) => factsOfBuild(pipeline, build, receivedAt));
  const facts = {
    runs: [run],
    lines: lineOf(event, run.id),
    jobs: moments.map(({ job }) => job),
    runners: latestOfEach(moments.flatMap(({ runner }) => runner ?? [])),
  };
  // What a person ended says nothing of how healthy the pipeline is; what is under way, nothing new.
  if (status === 'running' || status === 'waiting') return { ...facts, automations: [] };
  const automation: AutomationFact = present({
    id: ids.automation(PLATFORM, project.id),
    statusAt: run.statusAt,
    origin,
    platform: PLATFORM,
    externalId: String(project.id),
    repository: pipeline.repository,
    name: pipeline.repository,
    path: '.gitlab-ci.yml',
    // Of a pipeline that was retried, the newest end counts, as joining two entries of one id keeps the later one.
    recent:
      endedAt === undefined || status === 'canceled'
        ? []
        : [
            present({
              runId: run.id,
              endedAt,
              succeeded: status === 'succeeded',
              seconds: native.duration ?? undefined,
            }),
          ],
  });
  return { ...facts, automations: [automation] };
}

/**
 * Pipelines that are about the newest state of a branch or a merge request. A project may have several schedules, and what
 * was triggered or started by hand has variables of its own.
 */
function lineOf({ object_attributes: native, merge_request, project }: PipelineEvent, runId: string): RunLine[] {
  const { source, ref } = native;
  if (source === 'merge_request_event' && merge_request) {
    return [{ runId, line: [project.id, source, merge_request.id].join('\n') }];
  }
  return (source === 'push' || source === 'external_pull_request_event') && ref
    ? [{ runId, line: [project.id, source, ref].join('\n') }]
    : [];
}

function factsOfJob(event: JobEvent, { origin, receivedAt }: DeliveredEvent): PlatformFacts {
  const pipeline: Pipeline = {
    id: event.pipeline_id,
    projectId: event.project_id,
    repository: cut(repositoryOf(event)),
    web: linkOf(event.project?.web_url) ?? linkOf(event.repository?.homepage),
    name: nameOf(event.commit?.name),
    branch: nameOf(event.ref),
    commit: nameOf(event.sha),
    source: event.source_pipeline?.pipeline_id,
    origin,
  };
  const build: Build = {
    id: event.build_id,
    name: event.build_name,
    stage: event.build_stage,
    status: event.build_status,
    created_at: event.build_created_at,
    started_at: event.build_started_at,
    finished_at: event.build_finished_at,
    allow_failure: event.build_allow_failure,
    failure_reason: event.build_failure_reason,
    runner: event.runner,
    environment: event.environment,
  };
  const { job, runner } = factsOfBuild(pipeline, build, receivedAt);
  const run = present({
    ...bareRun(pipeline, job.statusAt),
    url: pipelineLink(pipeline),
    environment: environmentOf(build),
  });
  return { runs: [run], jobs: [job], runners: runner ? [runner] : [], automations: [] };
}

/** What every event tells of its pipeline. */
function bareRun(pipeline: Pipeline, statusAt: string) {
  return {
    id: ids.run(PLATFORM, pipeline.id, 1),
    statusAt,
    origin: pipeline.origin,
    platform: PLATFORM,
    externalId: String(pipeline.id),
    repository: pipeline.repository,
    repositoryId: String(pipeline.projectId),
    name: pipeline.name,
    attempt: 1,
    branch: pipeline.branch,
    commit: pipeline.commit,
    automationId: ids.automation(PLATFORM, pipeline.projectId),
    // GitLab does not say of which of its attempts the other pipeline was.
    parentRunId: pipeline.source === undefined ? undefined : ids.run(PLATFORM, pipeline.source, 1),
  };
}

const pipelineLink = ({ web, id }: Pipeline): string | undefined => web && `${web}/-/pipelines/${id}`;

/** What is to be known of an end. GitLab reads status and builds one after the other: a retry may lie in between. */
function endOf(status: Outcome, at: string, origin: Origin, settled: readonly Build[]): PipelineEnd {
  const idle = settled.filter((build) => !build.started_at).map((build) => String(build.id));
  return present({
    at,
    status,
    origin,
    newestJob: newestOf(settled),
    idleJobs: idle.length === 0 ? undefined : idle.sort().slice(0, MAX_IDLE),
  });
}
/** Only decides what happens within the very second of an end. */
const MAX_IDLE = 50;

/** Whether a build is as an ended pipeline leaves it. */
const isSettled = (build: Build): boolean => isEnded(statusOf(build.status)) || build.status === 'manual';

const newestOf = (builds: readonly Build[]): string | undefined => last(builds.map((build) => orderOf(build.id)));
