import { github } from './github/index.ts';
import { gitlab } from './gitlab/index.ts';
import type { Platform } from './port.ts';

export * from './port.ts';

/** Every platform QMOI knows, by the name that its webhooks, items and settings carry. */
export const platforms: Readonly<Record<string, Platform>> = { github, gitlab };
