import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { Control } from '../../shared/model/index.ts';
import { controlId, readControls, setControl, settleControl } from '../../shared/remediation/index.ts';
import { type ListQuery, type Page, pageOf, type Store } from '../../shared/store/index.ts';
import { Problem } from './http.ts';

/** A stop is waited for this long before it is answered as on its way: most actions are one HTTP call. */
const POLLS = 20;
const POLL_MS = 100;
export const MAX_BODY_BYTES = 16 * 1024;
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
export async function putControl(
  store: Store,
  scope: string,
  request: Request,
): Promise<{ control: Control; status: 200 | 202 }> {
  const id = controlId(scope);
  if (id === undefined) {
    throw new Problem(400, 'A scope is all, platform:<name of a known platform> or repository:<owner>/<name>.');
  }
  const word = await readBody(request);
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

async function readBody(request: Request): Promise<z.infer<typeof controlBody>> {
  const [type = ''] = (request.headers.get('content-type') ?? '').split(';');
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (type.trim().toLowerCase() !== 'application/json' || encoding.toLowerCase() !== 'identity') {
    throw new Problem(415, 'The body is application/json, not compressed.');
  }
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > MAX_BODY_BYTES) throw new Problem(413, `The body has at most ${MAX_BODY_BYTES} bytes.`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Problem(400, 'The body is not JSON.');
  }
  const result = controlBody.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    throw new Problem(
      400,
      `The body has status and reason, and nothing like ${JSON.stringify(issue.keys[0])?.slice(0, 100)}.`,
    );
  }
  throw new Problem(
    400,
    `The body is an object with a status of ${STATUSES.join(', ')} and a reason of at most ${MAX_REASON} characters.`,
  );
}
