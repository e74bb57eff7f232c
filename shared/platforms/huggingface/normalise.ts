import { type AutomationFact, isEnded, type JobFact, type Origin, type Run } from '../../model/index.ts';
import { ids } from '../../store/keys.ts';
import { linkOf, nameOf, present } from '../clean.ts';
import { type DeliveredEvent, noFacts, type PlatformFacts } from '../port.ts';
import { jsonOf } from '../request.ts';
import { factsOfSingleRun } from '../single-run.ts';
import { event as eventShape, type HubEvent, STAGE_EVENT, type StageEvent, stageEvent } from './payloads.ts';
import { isSwitchedOff, STAGES } from './status.ts';

const platform = 'huggingface';
const JOB = 'build';
const MAIN = 'refs/heads/main';

/** Spaces are what runs on the Hub: each is an automation, and each new head of its main branch a build. */
export function normalise({ event: name, body, origin, receivedAt }: DeliveredEvent): PlatformFacts {
  const payload = jsonOf(body.toString('utf8'));
  if (name === STAGE_EVENT) return factsOfStage(stageEvent.parse(payload), origin);
  const told = eventShape.parse(payload);
  const { repo, event, movedTo } = told;
  if (repo.type !== 'space') return noFacts();
  const gone = event.scope === 'repo' && (event.action === 'delete' || event.action === 'move');
  const self = factOfSpace(repo.name, origin, receivedAt);
  const automations: AutomationFact[] = [gone ? { ...self, status: 'disabled' } : self];
  if (gone && movedTo) automations.push(factOfSpace(movedTo.name, origin, receivedAt));
  const commit = gone ? undefined : pushedTo(told);
  if (commit === undefined) return { ...noFacts(), automations };
  const build = factsOfBuild(
    { space: repo.name, commit, status: 'queued', at: receivedAt, url: repo.url?.web },
    origin,
  );
  return { ...build, automations: build.automations.length > 0 ? build.automations : automations };
}

/** What a Space is built from after a push. Configuration, tags and pull requests build nothing. */
function pushedTo({ event, repo, updatedRefs }: HubEvent): string | undefined {
  if (event.scope !== 'repo.content') return undefined;
  const main = updatedRefs?.find(({ ref }) => ref === MAIN);
  return main === undefined ? undefined : (main.newSha ?? repo.headSha ?? undefined);
}

const factOfSpace = (name: string, origin: Origin, at: string): AutomationFact => ({
  id: ids.automation(platform, name),
  ...{ platform, externalId: name, repository: name, name, origin, statusAt: at, recent: [] },
});

/** The id of the run that is the build of a commit. */
export const buildRunId = (space: string, commit: string): string => ids.run(platform, externalIdOf(space, commit), 1);
const externalIdOf = (space: string, commit: string) => `${space}@${commit}`;

/** A stage that says nothing of a build, or of one that was judged before, tells only that the Space is there. */
function factsOfStage({ space, stage, commit, at, errorMessage }: StageEvent, origin: Origin): PlatformFacts {
  const self = factOfSpace(space, origin, at);
  if (isSwitchedOff(stage)) return { ...noFacts(), automations: [{ ...self, status: 'disabled' }] };
  const status = STAGES[stage];
  // Not switched off, or not any more; how healthy it is follows from its builds.
  const there: AutomationFact = { ...self, status: 'healthy' };
  if (!commit || status === undefined) return { ...noFacts(), automations: [there] };
  const reason = status === 'failed' ? nameOf([stage, errorMessage?.trim()].filter(Boolean).join(': ')) : undefined;
  const facts = factsOfBuild({ space, commit, status, at, reason }, origin);
  return { ...facts, automations: [{ ...there, ...facts.automations[0], status: 'healthy' }] };
}

interface Build {
  readonly space: string;
  readonly commit: string;
  readonly status: Run['status'];
  readonly at: string;
  readonly url?: string | null | undefined;
  readonly reason?: string | undefined;
}

function factsOfBuild({ space, commit, status, at, url, reason }: Build, origin: Origin): PlatformFacts {
  const externalId = externalIdOf(space, commit);
  const common = {
    ...{ platform, externalId, repository: space, commit, status, statusAt: at },
    branch: 'main',
    url: linkOf(url),
    queuedAt: status === 'queued' ? at : undefined,
    startedAt: status === 'running' ? at : undefined,
    endedAt: isEnded(status) ? at : undefined,
  };
  const facts = factsOfSingleRun(
    { ...common, kind: 'build', repositoryId: space, automation: { externalId: space, name: space } },
    origin,
  );
  const job: JobFact = present({
    ...common,
    id: ids.job(platform, externalId, JOB),
    runId: ids.run(platform, externalId, 1),
    name: JOB,
    attempt: 1,
    steps: [],
    failureReason: reason,
    origin,
  });
  return { ...facts, jobs: [job] };
}
