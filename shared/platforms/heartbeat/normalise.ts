import type { AutomationFact, JobFact, Origin, Outcome, Run, RunnerFact } from '../../model/index.ts';
import { ids } from '../../store/keys.ts';
import { cut, linkOf, present } from '../clean.ts';
import { type DeliveredEvent, noFacts, type PlatformFacts, type WindowFact } from '../port.ts';
import { jsonOf } from '../request.ts';
import { windowKey } from '../windows.ts';
import { type Beat, beat as beatShape } from './kept.ts';

/** The machines of a heartbeat platform are one scope: it has no owners to tell apart. */
export const MACHINES = 'machines';
const EARLY_MS = 5 * 60_000;
/** The ledger holds as much: what is older was not kept up by a queue, but is a mistake. */
const LATE_MS = 35 * 86_400_000;
const JOB = 'run';
/** A week: who takes longer says so again. */
const LONGEST_SECONDS = 7 * 86_400;

export const runnerIdOf = (platform: string, machine: string): string => ids.runner(platform, MACHINES, machine);

/** A beat is about a machine, a run of an automation, or both. */
export function normalise({ body, origin, receivedAt }: DeliveredEvent): PlatformFacts {
  const told = beatShape.parse(jsonOf(body.toString('utf8')));
  const at = timeOfBeat(told.at, receivedAt);
  return {
    ...noFacts(),
    ...(isOfAutomation(told) && factsOfRun(told, at, origin)),
    runners: told.host === undefined ? [] : [runnerOf(told, told.host, at, origin)],
    ...(told.maintenance !== undefined && { windows: [windowOf(told, told.maintenance, at)] }),
  };
}

/** The sender's own time, unless its clock is off. */
function timeOfBeat(at: string | undefined, receivedAt: string): string {
  if (at === undefined) return receivedAt;
  const lag = Date.parse(receivedAt) - Date.parse(at);
  return lag >= -EARLY_MS && lag <= LATE_MS ? at : receivedAt;
}

/** Of a machine, what runs there and what would be done to it; of anything else, what it does. */
function windowOf({ source, platform, repository, host, message }: Beat, seconds: number, at: string): WindowFact {
  const covers = host === undefined ? { platform, repository: repository ?? source } : { runner: host.id ?? source };
  const until = new Date(Date.parse(at) + Math.min(seconds, LONGEST_SECONDS) * 1000).toISOString();
  const open = { until, reason: cut(message ?? `${source} is being worked on`, 200) };
  return { key: windowKey('heartbeat', covers), at, covers, ...(seconds > 0 && { open }) };
}

/** What only tells of a machine is none of an automation. */
const isOfAutomation = ({ host, run, status, exitCode, schedule }: Beat): boolean =>
  host === undefined || run !== undefined || status !== undefined || exitCode !== undefined || schedule !== undefined;

/** Undefined: it only says that it is alive. */
function statusOf({ run, status, exitCode }: Beat): Run['status'] | undefined {
  if (run === 'start') return 'running';
  if (status === undefined && exitCode === undefined) return run === 'finish' ? 'succeeded' : undefined;
  return status === 'fail' || (exitCode ?? 0) !== 0 ? 'failed' : 'succeeded';
}

function factsOfRun(told: Beat, at: string, origin: Origin): Pick<PlatformFacts, 'runs' | 'jobs' | 'automations'> {
  const { platform, source, runId, schedule } = told;
  const status = statusOf(told);
  const automation: AutomationFact = present({
    id: ids.automation(platform, source),
    ...{ platform, externalId: source, repository: told.repository ?? source, name: source, origin, statusAt: at },
    recent: [],
    lastBeatAt: at,
    schedule: schedule && { at, by: 'beat', ...schedule },
  });
  if (status === undefined || runId === undefined) return { runs: [], jobs: [], automations: [automation] };
  const ended = status !== 'running';
  const externalId = `${source}@${runId}`;
  const id = ids.run(platform, externalId, 1);
  const common = {
    ...{ platform, externalId, status, statusAt: at, origin, attempt: 1 },
    repository: automation.repository ?? source,
    branch: told.branch,
    commit: told.commit?.toLowerCase(),
    url: linkOf(told.url),
    startedAt: startOf(told, at, ended),
    endedAt: ended ? at : undefined,
  };
  const run = present({
    ...common,
    id,
    name: source,
    kind: 'custom' as const,
    automationId: automation.id,
    environment: told.environment,
  });
  if (ended) automation.recent = [{ runId: id, endedAt: at, succeeded: status === 'succeeded' }];
  // Only what failed has anything to look into.
  const jobs: JobFact[] =
    status === 'failed'
      ? [
          present({
            ...common,
            ...{ id: ids.job(platform, externalId, JOB), externalId: JOB, runId: id, name: source, steps: [] },
            status: status satisfies Outcome,
            failureReason: reasonOf(told),
            runner: told.host && { id: machineOf(told, told.host), name: told.host.name ?? told.source },
          }),
        ]
      : [];
  return { runs: [run], jobs, automations: [automation] };
}

function startOf({ duration }: Beat, at: string, ended: boolean): string | undefined {
  if (!ended) return at;
  return duration === undefined ? undefined : new Date(Date.parse(at) - duration * 1000).toISOString();
}

function reasonOf({ message, exitCode }: Beat): string | undefined {
  // In the words of the runners, which the rules know.
  const exit = exitCode === undefined || exitCode === 0 ? undefined : `Process completed with exit code ${exitCode}.`;
  return [message, exit].filter(Boolean).join('\n') || undefined;
}

type Machine = NonNullable<Beat['host']>;
const machineOf = (told: Beat, host: Machine): string => host.id ?? told.source;

function runnerOf(told: Beat, host: Machine, at: string, origin: Origin): RunnerFact {
  const { platform } = told;
  const { cpu, memory, disk, load, service } = host;
  const machine = machineOf(told, host);
  return present({
    id: runnerIdOf(platform, machine),
    ...{ platform, externalId: machine, scope: MACHINES, origin, status: runnerStatusOf(host), statusAt: at },
    name: host.name ?? machine,
    kind: 'self-hosted' as const,
    pool: host.pool,
    labels: host.labels,
    lastSeenAt: at,
    os: [host.os, host.arch].filter(Boolean).join(' ') || undefined,
    agentVersion: host.agentVersion,
    beatSeconds: told.interval,
    wakeAt:
      told.interval === undefined ? undefined : new Date(Date.parse(at) + patienceMs(told.interval)).toISOString(),
    trend: memory === undefined ? undefined : [{ at, memory }],
    vitals: present({ at, cpu, memory, disk, load, service: service && `${service.name}: ${service.state}` }),
  });
}

/** A machine is missed after three beats that did not come, as one may be lost. */
const MISSED_BEATS = 3;
const LEAST_PATIENCE_SECONDS = 60;
/** How long after its last heartbeat a machine counts as there. */
export const patienceMs = (beatSeconds: number): number =>
  Math.max(LEAST_PATIENCE_SECONDS, MISSED_BEATS * beatSeconds) * 1000;

/** What systemd, launchd and Windows call a service that works. */
const RUNNING = new Set(['active', 'running', 'reloading', 'activating', 'start_pending']);

function runnerStatusOf({ busy, paused, service }: Machine): 'busy' | 'paused' | 'offline' | 'idle' {
  if (service !== undefined && !RUNNING.has(service.state.toLowerCase())) return 'offline';
  return busy === true ? 'busy' : paused === true ? 'paused' : 'idle';
}
