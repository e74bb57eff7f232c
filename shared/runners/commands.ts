import { createHmac } from 'node:crypto';
import { redact } from '../diagnosis/redact.ts';
import type { CommandResult } from '../platforms/heartbeat/index.ts';
import { commandPartition, type Key, type Store } from '../store/index.ts';

/**
 * What a machine's agent can be told to do: it asks with each heartbeat, and the answer carries what waits for it. A command
 * is signed with the token that the heartbeat came with, for that machine alone, and is done at most once: its id is its
 * nonce, so it may be sent until its result is heard of.
 */
export const COMMANDS = ['restart-runner-service', 'collect-diagnostics'] as const;
export type CommandName = (typeof COMMANDS)[number];

export interface RunnerCommand {
  readonly id: string;
  readonly runnerId: string;
  readonly command: CommandName;
  /** `expired`: no agent took it in time. `unknown`: one took it, and what came of it was never heard. */
  readonly status: 'pending' | 'sent' | 'expired' | CommandResult['outcome'];
  readonly reason?: string | undefined;
  readonly output?: string | undefined;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly sentAt?: string | undefined;
  readonly endedAt?: string | undefined;
}

/** A command as an agent gets it. Times are seconds since the epoch. */
export interface SignedCommand {
  readonly id: string;
  readonly command: CommandName;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly signature: string;
}

const VALID_MS = 15 * 60_000;
const KEEP_DAYS = 90;
const MAX_OPEN = 5;
const MAX_OUTPUT = 16_000;

const keyOfCommand = (runnerId: string, id: string): Key => ({ pk: commandPartition(runnerId), sk: id });

/** The text that a signature is made of. A change here is a new `v`. */
export const signedText = (
  runnerId: string,
  { id, command, issuedAt, expiresAt }: Omit<SignedCommand, 'signature'>,
): string => ['v1', runnerId, id, command, issuedAt, expiresAt].join('\n');

export const signatureOf = (token: string, runnerId: string, command: Omit<SignedCommand, 'signature'>): string =>
  createHmac('sha256', token).update(signedText(runnerId, command)).digest('hex');

/** Has a runner's agent told to do something. `id` must be new. Undefined: too much waits for that agent already. */
export async function orderCommand(
  store: Store,
  order: { runnerId: string; command: CommandName; id: string; reason?: string | undefined },
): Promise<RunnerCommand | undefined> {
  const createdAt = store.now();
  const open = (await listCommands(store, order.runnerId)).filter(isOpen);
  if (open.length >= MAX_OPEN) return undefined;
  const command: RunnerCommand = {
    ...order,
    status: 'pending',
    createdAt,
    expiresAt: new Date(Date.parse(createdAt) + VALID_MS).toISOString(),
  };
  return (await store.putNew(itemOf(command))) ? command : undefined;
}

const isOpen = ({ status }: RunnerCommand): boolean => status === 'pending' || status === 'sent';

/** Every command that a runner was given, newest first. */
export async function listCommands(store: Store, runnerId: string): Promise<RunnerCommand[]> {
  const now = store.now();
  const items = await store.partition(commandPartition(runnerId));
  return items
    .map((item) => commandOf(item as unknown as StoredCommand, now))
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
}

/** What an agent is to be told now, signed. */
export async function takeCommands(store: Store, runnerId: string, token: string): Promise<SignedCommand[]> {
  const now = store.now();
  const signed: SignedCommand[] = [];
  for (const command of (await listCommands(store, runnerId)).filter(isOpen)) {
    if (command.status === 'pending') await store.putItem(itemOf({ ...command, status: 'sent', sentAt: now }));
    const plain = {
      id: command.id,
      command: command.command,
      issuedAt: seconds(now),
      expiresAt: seconds(command.expiresAt),
    };
    signed.push({ ...plain, signature: signatureOf(token, runnerId, plain) });
  }
  return signed;
}

/** Keeps what an agent says came of a command. Of a command that was never sent, or has ended, nothing is kept. */
export async function settleCommand(store: Store, runnerId: string, result: CommandResult): Promise<void> {
  const item = await store.getItem(keyOfCommand(runnerId, result.id));
  if (item === undefined) return;
  const known = commandOf(item as unknown as StoredCommand, '');
  if (known.status !== 'sent') return;
  const output = result.output && redact(result.output).slice(0, MAX_OUTPUT);
  await store.putItem(itemOf({ ...known, status: result.outcome, endedAt: store.now(), output }));
}

const seconds = (time: string): number => Math.floor(Date.parse(time) / 1000);

interface StoredCommand extends Omit<RunnerCommand, 'expiresAt'> {
  readonly validUntil: string;
}

/** `expiresAt` is the name of the table's time to live. */
function itemOf({ expiresAt, ...rest }: RunnerCommand): Key & Record<string, unknown> {
  return {
    ...keyOfCommand(rest.runnerId, rest.id),
    ...rest,
    validUntil: expiresAt,
    expiresAt: seconds(rest.createdAt) + KEEP_DAYS * 86_400,
  };
}

function commandOf(item: StoredCommand, now: string): RunnerCommand {
  const { id, runnerId, command, status, reason, output, createdAt, validUntil, sentAt, endedAt } = item;
  const over = now > validUntil;
  return {
    ...{ id, runnerId, command, reason, output, createdAt, sentAt, endedAt, expiresAt: validUntil },
    status: over && status === 'pending' ? 'expired' : over && status === 'sent' ? 'unknown' : status,
  };
}
