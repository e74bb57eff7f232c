import { expect, it } from 'vitest';
import type { Action } from '../../../../shared/platforms/action.ts';
import { type Answered, actorOf, NotSent } from '../../../../shared/platforms/actor.ts';
import type { ActionRequest } from '../../../../shared/platforms/index.ts';
import { HTTP_TIMEOUT_MS, HttpFailure } from '../../../../shared/runtime/http.ts';

const of: ActionRequest = {
  ...{ action: 'turn-off', repository: 'a/b', externalId: '1', runId: 'x:1:1', attempt: 1, subject: 'x:1:1' },
};
const turnOff: Action = {
  ...{ does: 'turns it off', tier: 2, on: 'run', proof: 'answer', first: true },
  reads: () => '/switch',
  means: ({ json }) => (json === 'off' ? 'happened' : 'did-not-happen'),
  request: () => ({ method: 'PUT', path: '/switch' }),
};

type Step = Answered | Error | ((timeoutMs: number) => Answered);
const answer = (status: number, json?: unknown): Answered => ({ status, headers: new Headers(), message: '', json });

/** An API that does one thing after the other, and what it was asked. */
function world(steps: readonly Step[], action: Action = turnOff) {
  const asked: { method: string; timeoutMs: number }[] = [];
  const left = [...steps];
  const actor = actorOf({
    title: 'Somewhere',
    actions: { 'turn-off': action },
    now: () => 0,
    async send({ method }, _of, timeoutMs) {
      asked.push({ method, timeoutMs });
      const next = left.shift();
      if (next === undefined) throw new Error('asked for too much');
      if (next instanceof Error) throw next;
      return typeof next === 'function' ? next(timeoutMs) : next;
    },
  });
  return { ...actor, asked };
}

const timedOut = new HttpFailure('no answer in time', true);

it('takes a time-out of the act for unknown, and one of the reading before for nothing at all', async () => {
  const acted = world([answer(200, 'on'), timedOut]);
  expect(await acted.act(of)).toEqual({ kind: 'unknown', reason: 'no answer in time' });
  expect(acted.asked.map(({ method }) => method)).toEqual(['GET', 'PUT']);
  const read = world([timedOut]);
  expect(await read.act(of)).toMatchObject({ kind: 'retry-later', reason: 'no answer in time' });
  expect(await world([timedOut]).lookUp(of)).toBe('unclear');
});

it('gives both calls together no more time than one may take, in whole milliseconds', async () => {
  const { act, asked } = world([answer(200, 'on'), answer(204)]);
  expect(await act(of)).toMatchObject({ kind: 'done' });
  const [first, second] = asked.map(({ timeoutMs }) => timeoutMs);
  expect(first).toBeLessThan(HTTP_TIMEOUT_MS / 2);
  expect(second).toBeLessThanOrEqual(HTTP_TIMEOUT_MS);
  expect(asked.every(({ timeoutMs }) => Number.isInteger(timeoutMs) && timeoutMs > 0)).toBe(true);
});

it('says what kept it from sending anything', async () => {
  const outcome = { kind: 'refused', reason: 'no rights' } as const;
  expect(await world([new NotSent(outcome)]).act(of)).toEqual(outcome);
  expect(await world([answer(200, 'on'), new NotSent(outcome)]).act(of)).toEqual(outcome);
  expect(await world([]).act({ ...of, action: 'toString' })).toMatchObject({ kind: 'refused' });
  expect(await world([]).lookUp({ ...of, action: 'toString' })).toBe('unclear');
});

it('does not hide a mistake of its own', async () => {
  await expect(world([answer(200, 'on'), new TypeError('a mistake')]).act(of)).rejects.toThrow('a mistake');
});

it('needs no look-up for what may be sent twice', async () => {
  expect(await world([], { ...turnOff, repeatable: true }).lookUp(of)).toBe('did-not-happen');
});
