import type { Runner } from '../../model/index.ts';
import { type CommandName, listCommands, orderCommand } from '../../runners/index.ts';
import type { Store } from '../../store/index.ts';
import { type ActionTraits, markOf, parameter } from '../action.ts';
import { HEARTBEAT_PLATFORMS } from '../heartbeat/kept.ts';
import type { ActionRequest, ActOutcome, LookUp, Shown } from '../port.ts';
import type { Controller } from './index.ts';

const traits = { on: 'run', proof: 'state', needs: ['runner'], takes: ['key'] } as const;

/** What an agent is told, by the action that has it told so. */
const COMMANDS_OF: Readonly<Record<string, CommandName>> = {
  'restart-runner': 'restart-runner-service',
  'diagnose-runner': 'collect-diagnostics',
};

export const agentActions: Readonly<Record<string, ActionTraits>> = {
  'restart-runner': {
    does: 'has the agent of a runner restart the service that takes its jobs, provided that it has none',
    ...traits,
    tier: 1,
  },
  'diagnose-runner': { does: 'has the agent of a runner tell how its machine is', ...traits, tier: 0 },
};

const BUSY_SECONDS = 60;
const FULL_SECONDS = 120;

/** Commands wait in the table for the runner's next heartbeat. An id is ordered once, so that asking twice changes nothing. */
export function agentController(store: Store): Controller {
  const idOf = (of: ActionRequest): string => markOf(of, `${of.action} ${parameter(of, 'runner') ?? ''}`);

  async function runnerOf(of: ActionRequest): Promise<Runner | undefined> {
    const id = parameter(of, 'runner');
    const runner = id === undefined ? undefined : await store.get('runner', id);
    return runner?.id === id && (HEARTBEAT_PLATFORMS as readonly string[]).includes(runner?.platform ?? '')
      ? runner
      : undefined;
  }

  async function act(of: ActionRequest): Promise<ActOutcome> {
    const [command, runner] = [COMMANDS_OF[of.action], await runnerOf(of)];
    if (command === undefined || runner === undefined) return { kind: 'refused', reason: 'there is no such agent' };
    if (runner.status === 'removed') return { kind: 'refused', reason: 'the runner is gone' };
    if ((await lookUp(of)) === 'happened')
      return { kind: 'done', detail: 'its agent was told already', unchanged: true };
    if (command === 'restart-runner-service' && runner.status === 'busy') {
      return { kind: 'retry-later', seconds: BUSY_SECONDS, reason: 'the runner is at work on a job' };
    }
    const ordered = await orderCommand(store, { runnerId: runner.id, command, id: idOf(of), reason: 'a fix' });
    if (ordered !== undefined)
      return { kind: 'done', detail: `its agent is told with its next heartbeat: ${ordered.id}` };
    // Somebody was faster, or too much waits for that agent.
    return (await lookUp(of)) === 'happened'
      ? { kind: 'done', detail: 'its agent was told already', unchanged: true }
      : { kind: 'retry-later', seconds: FULL_SECONDS, reason: 'too much waits for its agent already' };
  }

  async function lookUp(of: ActionRequest): Promise<LookUp> {
    const runner = await runnerOf(of);
    if (runner === undefined) return 'unclear';
    return (await listCommands(store, runner.id)).some(({ id }) => id === idOf(of)) ? 'happened' : 'did-not-happen';
  }

  /** The agent's own answer; a command that no agent took in time, or whose end was never heard of, has failed. */
  async function probe(of: ActionRequest): Promise<Shown | undefined> {
    const runner = await runnerOf(of);
    const told = runner && (await listCommands(store, runner.id)).find(({ id }) => id === idOf(of));
    if (told === undefined) return undefined;
    const open = told.status === 'pending' || told.status === 'sent';
    const status = open ? 'pending' : told.status === 'done' ? 'succeeded' : 'failed';
    return { status, detail: `${told.command} is ${told.status}` };
  }

  return { actions: agentActions, open: async () => ({ act, lookUp, probe }) };
}
