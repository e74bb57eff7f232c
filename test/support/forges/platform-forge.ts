import type { FaultPlan } from './faults.ts';
import type { HookBook } from './hooks.ts';
import type { Resources } from './resources.ts';
import type { Context, Simulator } from './run-state.ts';
import type { TokenStore } from './tokens.ts';
import type { Call, Delivery, RepositoryState } from './types.ts';

export interface PlatformOptions {
  token: string;
  secret: string;
  /** GitLab: signs every hook by Standard Webhooks besides the token; `whsec_` and 32 bytes in base64. */
  signingToken?: string;
  /** GitHub: how payloads are encoded. */
  format?: 'json' | 'form';
  /** GitHub: whether the copies a rerun makes of finished jobs are reported by webhook; default yes, as it does. */
  resendCarriedOver?: boolean;
  /** GitLab: what the trace endpoint says while the log is not there; default an empty 200, as it does. */
  missingTrace?: 'empty' | 'not-found';
  /** No webhook is registered with the platform; it sends all the same, as a hook of the whole instance would. */
  unhooked?: boolean;
  /** Calls an hour (GitHub, 5000) or a minute (GitLab, 2000). */
  rateLimit?: number;
  /** GitHub: writes a minute before its secondary limit (80). */
  writesPerMinute?: number;
}

/** What a platform builds on. */
export interface ForgeParts {
  context: Context;
  options: PlatformOptions;
  tokens: TokenStore;
  calls: Call[];
  faults: FaultPlan;
  /** The webhook address as registered. */
  target(): string;
  /** Every webhook there was, and how often it was sent with what answer. */
  journal(): readonly { delivery: Delivery; statuses: readonly number[] }[];
  /** Sends one again, at once. */
  resend(id: string): void;
  hooks: HookBook;
  resources: Resources;
}

/** What a platform brings. */
export interface PlatformForge {
  simulator: Simulator;
  url: string;
  /** The settings that point QMOI at this forge. */
  settings: Record<string, string>;
  ping(repository: RepositoryState): Delivery;
  renew(delivery: Delivery): Delivery;
  underWay(): number;
  close(): Promise<void>;
}
