import type * as z from 'zod/mini';
import { env as api } from '../../functions/api/env.ts';
import { env as authorize } from '../../functions/authorize/env.ts';
import { env as diagnose } from '../../functions/diagnose/env.ts';
import { env as notify } from '../../functions/notify/env.ts';
import { env as publish } from '../../functions/publish/env.ts';
import { env as receiveEvent } from '../../functions/receive-event/env.ts';
import { env as receiveHeartbeat } from '../../functions/receive-heartbeat/env.ts';
import { env as receiveWebhook } from '../../functions/receive-webhook/env.ts';
import { env as reconcile } from '../../functions/reconcile/env.ts';
import { env as record } from '../../functions/record/env.ts';
import { env as remediate } from '../../functions/remediate/env.ts';
import { env as verify } from '../../functions/verify/env.ts';
import { env as wake } from '../../functions/wake/env.ts';

/** Every function and the schema of its environment. */
export const environments = {
  'receive-webhook': receiveWebhook,
  'receive-event': receiveEvent,
  'receive-heartbeat': receiveHeartbeat,
  authorize,
  api,
  publish,
  record,
  diagnose,
  remediate,
  verify,
  notify,
  wake,
  reconcile,
} as const;

export type FunctionName = keyof typeof environments;

/** Exactly the variables that a function's schema names, so that a missing or an extra one does not compile. */
export type Environment<N extends FunctionName> = { [K in keyof z.input<(typeof environments)[N]>]: string };

export const pascal = (kebab: string): string =>
  kebab.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
