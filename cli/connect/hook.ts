import { PlatformUnavailable } from '../../shared/platforms/port.ts';
import { type Meter, PlatformRefusal } from '../../shared/platforms/sweeper.ts';
import { CommandFailure, type Io } from '../command.ts';

/** A webhook at a platform, as `connect` sees to it. */
export interface HookApi<H> {
  /** For people: `the webhook of acme/shop`. */
  readonly what: string;
  /** The rights that its calls take, for whoever lacks them. */
  readonly needs: string;
  /** Those that lead to QMOI's address. */
  list(): Promise<readonly H[]>;
  /** What it has brought that has to be noted, besides itself. */
  create(): Promise<{ hook: H; note?: string }>;
  /** In what it is not as it should be; empty: in nothing. */
  differences(hook: H): readonly string[];
  /** Absent: the platform cannot change one. */
  update?(hook: H): Promise<void>;
  /** Has the platform send something, and tells what came of it; undefined: the platform cannot. */
  test?(hook: H): Promise<Tested>;
  /** Sets the secret anew, where the test shows that it is another one. */
  renew?(hook: H): Promise<void>;
}

export interface Tested {
  readonly outcome: 'delivered' | 'refused' | 'failed' | 'unknown';
  readonly detail: string;
}

/** A person calls, not a schedule: the platform's own limits are enough. */
export const unmetered: Meter = { admit: async () => undefined, told: () => undefined };

/** Makes the webhook what it should be and tests it. Run again, it changes nothing. True: it works, as far as can be told. */
export async function ensureHook<H>(open: () => Promise<HookApi<H>> | HookApi<H>, io: Io): Promise<boolean> {
  let needs = 'more rights';
  try {
    const api = await open();
    needs = api.needs;
    const hook = await ensured(api, io);
    return hook !== undefined && (await tested(api, hook, io));
  } catch (error) {
    if (error instanceof PlatformRefusal) {
      const wrong = error.status === 401 ? 'The token is wrong or has expired.' : `The token needs ${needs}.`;
      throw new CommandFailure(`The platform says "${error.message}". ${wrong}`);
    }
    if (error instanceof PlatformUnavailable)
      throw new CommandFailure(`The platform does not answer: ${error.message}`);
    throw error;
  }
}

async function ensured<H>(api: HookApi<H>, io: Io): Promise<H | undefined> {
  const [known, ...more] = await api.list();
  if (known === undefined) {
    const { hook, note } = await api.create();
    io.out(`Registered ${api.what}.`);
    if (note !== undefined) io.out(note);
    return hook;
  }
  if (more.length > 0)
    io.err(`There are ${more.length + 1} of ${api.what}: each event comes as often. Remove all but one.`);
  const differences = api.differences(known);
  if (differences.length === 0) {
    io.out(`${capital(api.what)} is as it should be.`);
    return known;
  }
  if (api.update === undefined) {
    io.err(
      `${capital(api.what)} differs, and the platform cannot change it: ${differences.join('; ')}. Remove it and run this again.`,
    );
    return undefined;
  }
  await api.update(known);
  io.out(`Changed ${api.what}: ${differences.join('; ')}.`);
  return known;
}

async function tested<H>(api: HookApi<H>, hook: H, io: Io): Promise<boolean> {
  let result = await api.test?.(hook);
  if (result?.outcome === 'refused' && api.renew !== undefined) {
    await api.renew(hook);
    io.out('QMOI refused the test delivery: the secret was another one, and has been set anew.');
    result = await api.test?.(hook);
  }
  switch (result?.outcome) {
    case 'delivered':
      io.out(`A test delivery came through (${result.detail}).`);
      return true;
    case 'refused':
      io.err(`QMOI refuses the test delivery (${result.detail}): it runs with another secret than this command.`);
      return false;
    case 'failed':
      io.err(`The test delivery did not come through (${result.detail}).`);
      return false;
    default:
      io.out(`Not tested: ${result?.detail ?? 'the platform has no test deliveries'}.`);
      return true;
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Words for two lists that should be one. */
export function missingIn(found: readonly string[], wanted: readonly string[]): string[] {
  const absent = wanted.filter((name) => !found.includes(name));
  return absent.length === 0 ? [] : [`it lacks ${absent.join(', ')}`];
}
