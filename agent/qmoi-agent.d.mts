export const VERSION: string;
export const USAGE: string;
export interface Command {
  readonly id: string;
  readonly command: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly signature: string;
}
/** `now` in seconds since the epoch. */
export function objectionTo(
  command: Partial<Record<keyof Command, unknown>>,
  by: { readonly token: string; readonly runnerId: string; readonly now: number },
): string | undefined;
export function main(
  args: readonly string[],
  io: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly signal: AbortSignal;
    out(line: string): void;
    err(line: string): void;
  },
): Promise<number>;
