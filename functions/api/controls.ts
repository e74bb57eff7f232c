import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { Control } from '../../shared/model/index.ts';
import { controlId, readControls, setControl, settleControl } from '../../shared/remediation/index.ts';
import { type ListQuery, type Page, pageOf, type Store } from '../../shared/store/index.ts';
import { Problem } from './http.ts';
import type { Operation } from './operations.ts';
import { viewOf } from './views.ts';

/** A stop is waited for this long before it is answered as on its way: most actions are one HTTP call. */
const POLLS = 20;
const POLL_MS = 100;
const MAX_REASON = 500;

export const STATUSES = ['running', 'paused', 'stopped'] as const;
/** The body of `PUT /v1/controls/{scope}`. */
export const controlBody = z.strictObject({
  status: z.enum(STATUSES),
  reason: z.optional(z.string().check(z.maxLength(MAX_REASON))),
});

/** What holds where nobody has said anything; it never was written, so it has no time of its own. */
const unsaid = (id: string): Control => {
  const never = new Date(0).toISOString();
  return {
    id,
    entity: 'control',
    schema: 1,
    version: 0,
    createdAt: never,
    updatedAt: never,
    status: 'running',
    statusAt: never,
    origin: 'live',
    scope: id,
  };
};

export async function listControls(store: Store, query: ListQuery): Promise<Page<Control>> {
  const controls = await Promise.all((await readControls(store)).map((control) => settleControl(store, control)));
  const all = controls.some(({ id }) => id === 'all') ? controls : [...controls, unsaid('all')];
  return pageOf('control', all, query);
}

/** The control of a scope, settled if it can be. Undefined: there is no such scope. */
export async function getControl(store: Store, scope: string): Promise<Control | undefined> {
  const id = controlId(scope);
  if (id === undefined) return undefined;
  const control = await store.get('control', id);
  return control === undefined ? unsaid(id) : settleControl(store, control);
}

/** Sets what QMOI may do in a scope. 202: a stop that still waits for actions under way. Throws `Problem`. */
async function putControl(
  store: Store,
  scope: string,
  word: z.infer<typeof controlBody>,
): Promise<{ control: Control; status: 200 | 202 }> {
  const id = controlId(scope);
  if (id === undefined) {
    throw new Problem(400, 'A scope is all, platform:<name of a known platform> or repository:<owner>/<name>.');
  }
  let control = await setControl(store, id, { ...word, actor: 'master' });
  for (let poll = 0; control.status === 'stopping'; poll++) {
    control = await settleControl(store, control);
    if (control.status !== 'stopping' || poll === POLLS) break;
    await sleep(POLL_MS);
    // Another word may have come in meanwhile.
    control = (await store.get('control', id)) ?? control;
  }
  if (control.status === 'stopping') return { control, status: 202 };
  if (control.status !== word.status) throw new Problem(409, `${id} was set to ${control.status} meanwhile.`);
  return { control, status: 200 };
}

export const controlOperations: readonly Operation[] = [
  {
    method: 'PUT',
    path: '/v1/controls/{id}',
    id: 'set-control',
    summary: 'Say what QMOI may do in a scope',
    description:
      'The scope is `all`, `platform:<name>` or `repository:<owner>/<name>`; the most restrictive one that covers an action holds. The same status again changes nothing.',
    body: controlBody,
    bodyName: 'ControlBody',
    bodyHelp: `The body is an object with a status of ${STATUSES.join(', ')} and a reason of at most ${MAX_REASON} characters.`,
    answers: {
      200: {
        means: 'It holds from now on; `stopped`: nothing is under way, and nothing starts.',
        schema: { item: 'controls' },
      },
      202: {
        means: '`stopping`: nothing starts, and an action that is under way is waited for.',
        schema: { item: 'controls' },
      },
    },
    problems: [400, 409],
    async run({ store, id, body }) {
      const { control, status } = await putControl(store, id, body as z.infer<typeof controlBody>);
      return { status, body: viewOf('control', control) };
    },
  },
];
