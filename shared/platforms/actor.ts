import { HTTP_TIMEOUT_MS } from '../runtime/http.ts';
import type { Action, Actions, Call, Seen } from './action.ts';
import { type Answer, outcomeOf, outcomeOfFailure } from './answers.ts';
import type { ActionRequest, ActOutcome, LookUp, PlatformClient, Shown } from './port.ts';

/** Carries out the actions of a platform, given a way to call its API. */

export interface Answered extends Answer {
  readonly json: unknown;
}

export interface Actor {
  readonly title: string;
  readonly actions: Actions;
  /** One request and the whole of its answer, within whole milliseconds. Throws `HttpFailure`, or `NotSent`. */
  send(call: Call, of: ActionRequest, timeoutMs: number): Promise<Answered>;
  /** Refusals that pass by themselves. */
  busy?(answer: Answer): boolean;
  readonly now: () => number;
}

/** Why there was no call at all: no rights, or none to be had now. */
export class NotSent extends Error {
  override readonly name = 'NotSent';
  readonly outcome: Extract<ActOutcome, { kind: 'refused' | 'retry-later' }>;
  constructor(outcome: Extract<ActOutcome, { kind: 'refused' | 'retry-later' }>) {
    super(outcome.reason);
    this.outcome = outcome;
  }
}

/** Reading first must leave time to act: both together take no longer than a call may. */
const READ_FIRST_MS = 4_000;
const PAGE = 100;
const SOON_SECONDS = 15;
const never = () => false;

export function actorOf(actor: Actor): Required<Pick<PlatformClient, 'act' | 'lookUp' | 'probe'>> {
  const { title, actions, now, busy = never } = actor;
  const send = (call: Call, of: ActionRequest, timeoutMs: number) =>
    actor.send(call, of, Math.max(1, Math.ceil(timeoutMs)));

  /** The answer of a failure, or what is read; a list page by page until one is not full. */
  async function read(
    action: Action,
    from: string | Call,
    of: ActionRequest,
    timeoutMs: number,
  ): Promise<Seen | Answered> {
    const until = performance.now() + timeoutMs;
    const items: unknown[] = [];
    for (let page = 1; page <= (action.pages ?? 1); page += 1) {
      const { method, path, ...rest }: Call = typeof from === 'string' ? { method: 'GET', path: from } : from;
      const paged = page === 1 ? path : `${path}&page=${page}`;
      const answer = await send({ method, path: paged, ...rest }, of, until - performance.now());
      if (!isSuccess(answer)) return answer;
      if (action.pages === undefined || !Array.isArray(answer.json)) return { json: answer.json, partial: false };
      items.push(...answer.json);
      if (answer.json.length < PAGE) return { json: items, partial: false };
    }
    return { json: items, partial: true };
  }

  /** What is there before the act; an outcome where that settles it. */
  async function look(action: Action, of: ActionRequest): Promise<Seen | ActOutcome> {
    const path = action.reads(of);
    if (path === undefined) return unsaid(of);
    const seen = await read(action, path, of, READ_FIRST_MS);
    if ('status' in seen) return asNotSent(outcomeOf(seen, now(), busy));
    const reason = action.unfit?.(seen, of);
    if (reason !== undefined) return { kind: 'refused', reason };
    switch (action.before?.(seen, of) ?? action.means(seen, of)) {
      case 'happened':
        return { kind: 'done', detail: 'it was so already', unchanged: true };
      case 'unclear':
        return { kind: 'refused', reason: 'the platform does not say how things stand' };
      case 'did-not-happen':
        return seen;
    }
  }

  async function act(of: ActionRequest): Promise<ActOutcome> {
    const begun = performance.now();
    const action = known(actions, of.action);
    if (action === undefined) return { kind: 'refused', reason: `${title} knows no action ${of.action}` };
    let wanted: Call | undefined;
    try {
      const seen = action.first ? await look(action, of) : undefined;
      if (seen !== undefined && 'kind' in seen) return seen;
      wanted = action.request(of, seen);
    } catch (error) {
      return error instanceof NotSent ? error.outcome : asNotSent(outcomeOfFailure(error));
    }
    if (wanted === undefined) return unsaid(of);
    try {
      const answer = await send(wanted, of, HTTP_TIMEOUT_MS - (performance.now() - begun));
      const outcome = outcomeOf(answer, now(), busy);
      if (outcome.kind !== 'done') return outcome;
      const [detail, made] = [action.detail?.(answer.json), action.made?.(answer.json)];
      return { ...outcome, ...(detail !== undefined && { detail }), ...(made !== undefined && { made }) };
    } catch (error) {
      return error instanceof NotSent ? error.outcome : outcomeOfFailure(error);
    }
  }

  async function lookUp(of: ActionRequest): Promise<LookUp> {
    const action = known(actions, of.action);
    if (action === undefined) return 'unclear';
    if (action.repeatable) return 'did-not-happen';
    const path = action.reads(of);
    if (path === undefined) return 'unclear';
    try {
      const seen = await read(action, path, of, HTTP_TIMEOUT_MS);
      if (!('status' in seen)) return action.means(seen, of);
      // It was there when the act was sent, or that would have been refused.
      return action.removes && action.first && seen.status === 404 ? 'happened' : 'unclear';
    } catch {
      return 'unclear';
    }
  }

  async function probe(of: ActionRequest): Promise<Shown | undefined> {
    const action = known(actions, of.action);
    const path = action?.shows && action.reads(of);
    if (action === undefined || path === undefined) return undefined;
    try {
      const seen = await read(action, path, of, HTTP_TIMEOUT_MS);
      return 'status' in seen ? undefined : action.shows?.(seen, of);
    } catch {
      return undefined;
    }
  }

  return { act, lookUp, probe };
}

const known = (actions: Actions, name: string): Action | undefined =>
  Object.hasOwn(actions, name) ? actions[name] : undefined;

const isSuccess = ({ status }: Answer): boolean => status >= 200 && status < 300;

const unsaid = ({ action }: ActionRequest): ActOutcome => ({
  kind: 'refused',
  reason: `${action} does not say what to act on`,
});

/** Of what was only read, nothing can have happened. */
export function asNotSent(outcome: ActOutcome): NotSent['outcome'] {
  switch (outcome.kind) {
    case 'unknown':
      return { kind: 'retry-later', seconds: SOON_SECONDS, reason: outcome.reason };
    case 'done':
      return { kind: 'refused', reason: outcome.detail };
    default:
      return outcome;
  }
}
