import { braket } from './braket/index.ts';
import { cloudevents } from './cloudevents/index.ts';
import { github } from './github/index.ts';
import { gitlab } from './gitlab/index.ts';
import { heartbeatPlatforms } from './heartbeat/index.ts';
import { huggingface } from './huggingface/index.ts';
import type { Platform } from './port.ts';
import { vercel } from './vercel/index.ts';

export * from './port.ts';

/** Every platform QMOI knows, by the name that its webhooks, items and settings carry. */
export const platforms: Readonly<Record<string, Platform>> = {
  github,
  gitlab,
  vercel,
  huggingface,
  events: cloudevents,
  braket,
  ...heartbeatPlatforms,
};
