import { createHash } from 'node:crypto';
import { isEnded, type JobFact, type Origin, type Run } from '../../model/index.ts';
import { ids } from '../../store/keys.ts';
import { cut, linkOf, nameOf, present, timeOf } from '../clean.ts';
import { type DeliveredEvent, noFacts, type PlatformFacts, type WindowFact } from '../port.ts';
import { jsonOf } from '../request.ts';
import { factsOfSingleRun, type SingleRun } from '../single-run.ts';
import { windowKey } from '../windows.ts';
import { CDEVENTS, type CdEvent, type CdEventName, nameOfType, outcomeOf } from './cdevents.ts';
import { cloudEvent, dataOf } from './envelope.ts';
import { maintenance, maintenanceIn, windowOf } from './maintenance.ts';

export const PLATFORM = 'events';
const MAX_REASON = 1500;
/** An incident that nobody has resolved by then has been forgotten. */
const INCIDENT_MS = 24 * 3_600_000;

/** One CloudEvent in its structured form, with a CDEvent inside. */
export function normalise({ body, origin, receivedAt }: DeliveredEvent): PlatformFacts {
  const envelope = cloudEvent.parse(jsonOf(body.toString('utf8')));
  const work = maintenanceIn(envelope.type);
  if (work !== undefined) {
    const told = maintenance.parse(dataOf(envelope));
    return { ...noFacts(), windows: [windowOf(work, told, timeOf(envelope.time) ?? receivedAt)] };
  }
  const name = nameOfType(envelope.type);
  if (name === undefined) return noFacts();
  const event = CDEVENTS[name].parse(dataOf(envelope));
  const at = timeOf(event.context.timestamp) ?? timeOf(envelope.time) ?? receivedAt;
  return factsOf(name, event, at, origin);
}

/** Where something is from: systems that do not know each other give the same ids. */
export const repositoryOf = ({ context, subject }: Pick<CdEvent, 'context' | 'subject'>): string =>
  nameOf(subject.source) ?? nameOf(context.source) ?? 'events';

/** A part of a key that is readable as far as it can be, and nobody else's: ids are any text. */
function keyOf(kind: string, source: string, id: string): string {
  const hash = createHash('sha256').update(`${source}\n${id}`).digest('hex').slice(0, 12);
  return `${kind}-${cut(id.replace(/[^\w.+@/-]/g, '_'), 80)}-${hash}`;
}

function factsOf(name: CdEventName, event: CdEvent, at: string, origin: Origin): PlatformFacts {
  const [kind = '', predicate = ''] = name.split('.');
  switch (kind) {
    case 'pipelinerun':
      return ofPipelineRun(event as CdEvent<'pipelinerun.finished'>, predicate, at, origin);
    case 'taskrun':
      return ofTaskRun(event as CdEvent<'taskrun.finished'>, predicate, at, origin);
    case 'testsuiterun':
      return ofSuiteRun(event as CdEvent<'testsuiterun.finished'>, predicate, at, origin);
    case 'service':
      return ofService(event as CdEvent<'service.deployed'>, predicate, at, origin);
    case 'environment':
      return ofEnvironment(event as CdEvent<'environment.created'>, predicate, at, origin);
    case 'incident':
      return ofIncident(event as CdEvent<'incident.detected'>, predicate, at, origin);
    case 'artifact':
      return ofArtifact(event as CdEvent<'artifact.published'>, predicate, at, origin);
    default:
      return factsOfRun({ event, kind: 'build', status: statusOf(predicate, 'succeeded'), at, name: 'build' }, origin);
  }
}

/** What was not said to have failed is taken to have gone well: there is no status for "over". */
function statusOf(predicate: string, ended: Run['status'] | undefined): Run['status'] {
  if (predicate === 'queued') return 'queued';
  return predicate === 'started' ? 'running' : (ended ?? 'succeeded');
}

interface Told {
  readonly event: Pick<CdEvent, 'context' | 'subject'>;
  /** Of the run; `pipeline` for the ordinary one. */
  readonly kind: SingleRun['kind'] | 'pipeline';
  /** Tells the ids of subjects of different kinds apart; the kind unless told. */
  readonly prefix?: string;
  /** The subject's id unless told. */
  readonly id?: string;
  readonly name: string | undefined;
  readonly status: Run['status'];
  readonly at: string;
  readonly url?: string | null | undefined;
  readonly environment?: string | null | undefined;
  /** What happened, where the status does not say it. */
  readonly what?: string;
  readonly commit?: string | undefined;
  readonly actor?: string | null | undefined;
  /** Why it failed: a job that carries it is what is looked into. */
  readonly reason?: string | null | undefined;
}

function factsOfRun(told: Told, origin: Origin): PlatformFacts {
  const { event, kind, name, status, at } = told;
  const repository = repositoryOf(event);
  const prefix = told.prefix ?? kind;
  const externalId = keyOf(prefix, repository, told.id ?? event.subject.id);
  const title = nameOf(name);
  const single: SingleRun = {
    ...{ platform: PLATFORM, externalId, repository, repositoryId: repository, status, statusAt: at },
    kind: kind === 'pipeline' ? 'custom' : kind,
    automation: { externalId: keyOf(prefix, repository, title ?? ''), name: title },
    url: linkOf(told.url),
    environment: nameOf(told.environment),
    event: told.what,
    commit: told.commit,
    actor: nameOf(told.actor),
    queuedAt: status === 'queued' ? at : undefined,
    startedAt: status === 'running' ? at : undefined,
    endedAt: isEnded(status) ? at : undefined,
  };
  const facts = factsOfSingleRun(single, origin);
  for (const run of facts.runs) {
    if (kind === 'pipeline') delete run.kind;
    // Whatever has no name is no automation that could be told from others.
    if (title === undefined) delete run.automationId;
  }
  const automations = title === undefined ? [] : facts.automations;
  const jobs = status === 'failed' && told.reason?.trim() ? [jobOf(single, told.reason, origin)] : [];
  return { ...facts, automations, jobs };
}

function jobOf(run: SingleRun, reason: string, origin: Origin): JobFact {
  const { platform, externalId, repository, status, statusAt, url, endedAt, automation } = run;
  return present({
    id: ids.job(platform, externalId, 'run'),
    runId: ids.run(platform, externalId, 1),
    ...{ platform, externalId: 'run', repository, attempt: 1, status, statusAt, url, endedAt, origin, steps: [] },
    name: automation.name,
    failureReason: nameOf(reason, MAX_REASON),
  });
}

function ofPipelineRun(event: CdEvent<'pipelinerun.finished'>, predicate: string, at: string, origin: Origin) {
  const { pipelineName, uri, url, outcome, errors } = event.subject.content;
  const ended = outcomeOf(outcome) ?? (errors?.trim() ? 'failed' : undefined);
  return factsOfRun(
    {
      ...{ event, kind: 'pipeline', name: pipelineName ?? undefined, at, url: uri ?? url, reason: errors },
      status: statusOf(predicate, ended),
    },
    origin,
  );
}

function ofTaskRun(event: CdEvent<'taskrun.finished'>, predicate: string, at: string, origin: Origin): PlatformFacts {
  const { taskName, uri, url, outcome, errors, pipelineRun } = event.subject.content;
  const status = statusOf(predicate, outcomeOf(outcome) ?? (errors?.trim() ? 'failed' : undefined));
  const name = nameOf(taskName) ?? nameOf(event.subject.id);
  if (pipelineRun == null) {
    const reason = errors?.trim() ? errors : name;
    return factsOfRun({ event, kind: 'task', name, at, url: uri ?? url, status, reason }, origin);
  }
  const repository = nameOf(pipelineRun.source) ?? repositoryOf(event);
  const externalId = keyOf('pipeline', repository, pipelineRun.id);
  const runId = ids.run(PLATFORM, externalId, 1);
  const id = keyOf('task', repositoryOf(event), event.subject.id);
  const common = { platform: PLATFORM, repository, attempt: 1, origin, statusAt: at };
  const job: JobFact = present({
    ...{ ...common, id: ids.job(PLATFORM, externalId, id), externalId: id, runId, name, status, steps: [] },
    url: linkOf(uri ?? url),
    startedAt: status === 'running' ? at : undefined,
    endedAt: isEnded(status) ? at : undefined,
    failureReason: nameOf(errors, MAX_REASON),
  });
  // Of its pipeline's run it tells no more than that there is one.
  return { ...noFacts(), runs: [{ ...common, id: runId, externalId }], jobs: [job] };
}

function ofSuiteRun(event: CdEvent<'testsuiterun.finished'>, predicate: string, at: string, origin: Origin) {
  const { environment, testSuite, outcome, reason } = event.subject.content;
  const name = nameOf(testSuite?.name) ?? nameOf(testSuite?.id) ?? 'tests';
  return factsOfRun(
    {
      ...{ event, kind: 'check', prefix: 'tests', name, at, url: testSuite?.uri, environment: environment?.id },
      ...{ status: statusOf(predicate, outcomeOf(outcome)), reason: reason?.trim() ? reason : name },
    },
    origin,
  );
}

/** A service comes to an environment again and again, each time by an event of its own. */
function ofService(event: CdEvent<'service.deployed'>, what: string, at: string, origin: Origin): PlatformFacts {
  const environment = event.subject.content.environment?.id;
  const name = [event.subject.id, environment].filter(Boolean).join(' to ');
  return factsOfRun(
    {
      ...{ event, kind: 'deployment', id: `${event.subject.id}-${event.context.id}`, name, status: 'succeeded' },
      ...{ at, environment, what },
    },
    origin,
  );
}

function ofEnvironment(event: CdEvent<'environment.created'>, what: string, at: string, origin: Origin): PlatformFacts {
  const { name, uri, url } = event.subject.content;
  return factsOfRun(
    {
      ...{ event, kind: 'task', prefix: 'environment', id: `${event.subject.id}-${event.context.id}`, at, what },
      ...{ name: `environment ${nameOf(name) ?? event.subject.id}`, environment: event.subject.id, url: uri ?? url },
      status: 'succeeded',
    },
    origin,
  );
}

/** An incident is a check that failed, and its end one that went well: what it is about fails in between. */
function ofIncident(event: CdEvent<'incident.detected'>, what: string, at: string, origin: Origin): PlatformFacts {
  const { description, environment, service, ticketURI } = event.subject.content;
  const resolved = what === 'resolved';
  const about = [service?.id, environment?.id].filter(Boolean).join(' in ') || event.subject.id;
  const facts = factsOfRun(
    {
      ...{ event, kind: 'check', prefix: resolved ? 'incident-end' : 'incident', name: about, at, what },
      ...{ environment: environment?.id, url: ticketURI, reason: description?.trim() ? description : about },
      status: resolved ? 'succeeded' : 'failed',
    },
    origin,
  );
  return environment == null
    ? facts
    : { ...facts, windows: [windowOfIncident(event.subject.id, environment.id, at, resolved)] };
}

/** Whoever is at an incident in an environment is not to find it changing under their hands. */
function windowOfIncident(incident: string, environment: string, at: string, resolved: boolean): WindowFact {
  const covers = { environment: cut(environment) };
  const until = new Date(Date.parse(at) + INCIDENT_MS).toISOString();
  const open = { until, reason: `the incident ${cut(incident, 100)} in ${covers.environment}` };
  return { key: windowKey('incident', { environment, incident }), at, covers, ...(!resolved && { open }) };
}

/** An artifact is named by a package URL, whose version is another each time. */
function ofArtifact(event: CdEvent<'artifact.published'>, what: string, at: string, origin: Origin): PlatformFacts {
  const name = event.subject.id.split(/[@?#]/, 1)[0];
  return factsOfRun(
    {
      ...{ event, kind: 'build', prefix: `artifact-${what}`, name, status: 'succeeded', at, what },
      commit: commitIn(event.subject.content.change?.id),
      actor: event.subject.content.user,
    },
    origin,
  );
}

const commitIn = (change: string | undefined): string | undefined =>
  change !== undefined && /^[0-9a-f]{7,64}$/.test(change) ? change : undefined;
