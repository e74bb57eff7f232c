import { type Automation, canonical, type Purpose, type Schedule } from '../model/index.ts';
import { HEARTBEAT_PLATFORMS } from '../platforms/heartbeat/kept.ts';
import {
  type AutomationSettings,
  automationSettings,
  type CategoryRule,
  DEFAULT_CATEGORIES,
} from '../runtime/automation-settings.ts';
import { readSchedule } from '../schedule/index.ts';
import { policyKey, type Store } from '../store/index.ts';

/** What the master says of automations: what they are for, and which are one. Kept in the table, where every function finds it. */
export interface Policy {
  /** Grows with every change; 0: nobody has said anything. */
  readonly version: number;
  readonly categories: readonly CategoryRule[];
  /** Who said so: the API, the settings, or nobody. */
  readonly by: 'api' | 'settings' | 'default';
  readonly mirrors: AutomationSettings['mirrors'];
  /** When automations should run, and since when the settings say so. */
  readonly schedules: AutomationSettings['schedules'];
  readonly declaredAt: string;
}

interface Kept {
  readonly version: number;
  /** What the settings say. */
  readonly declared?: AutomationSettings;
  readonly declaredAt?: string;
  /** What was said through the API, which has the last word. */
  readonly said?: readonly CategoryRule[];
}

const ANEW_AFTER_MS = 60_000;
const cached = new WeakMap<Store, { readonly at: number; readonly policy: Promise<Policy> }>();

async function kept(store: Store): Promise<Kept> {
  const item = await store.getItem(policyKey);
  return (item ?? { version: 0 }) as unknown as Kept;
}

function policyFrom({ version, declared, declaredAt = '', said }: Kept): Policy {
  const { mirrors = [], schedules = [] } = declared ?? {};
  const rest = { version, mirrors, schedules, declaredAt };
  if (said !== undefined) return { ...rest, categories: said, by: 'api' };
  if (declared !== undefined) return { ...rest, categories: declared.categories, by: 'settings' };
  return { ...rest, categories: DEFAULT_CATEGORIES, by: 'default' };
}

export const readPolicy = async (store: Store): Promise<Policy> => policyFrom(await kept(store));

/** The policy as it was at most a minute ago. */
export function policyOf(store: Store): Promise<Policy> {
  const now = Date.parse(store.now());
  const known = cached.get(store);
  if (known !== undefined && Math.abs(now - known.at) < ANEW_AFTER_MS) return known.policy;
  const policy = readPolicy(store);
  cached.set(store, { at: now, policy });
  policy.catch(() => cached.delete(store));
  return policy;
}

const RACES = 5;

async function change(store: Store, next: (known: Kept) => Kept | undefined): Promise<Policy> {
  for (let race = 0; race < RACES; race++) {
    const known = await kept(store);
    const wanted = next(known);
    if (wanted === undefined) return policyFrom(known);
    const item = { ...policyKey, ...wanted, version: known.version + 1 };
    if (await store.putOver(item, known.version === 0 ? undefined : known.version)) {
      cached.delete(store);
      return policyFrom(item);
    }
  }
  throw new Error(`the policy is contended: ${RACES} writes in a row lost their race`);
}

/** Says through the API what automations are for; undefined: what the settings say holds again. */
export const sayCategories = (store: Store, said: readonly CategoryRule[] | undefined): Promise<Policy> =>
  change(store, ({ said: _, ...known }) => ({ ...known, ...(said !== undefined && { said }) }));

/** Makes known what the settings say. Undefined: it was known. */
export async function declareAutomations(store: Store, declared: AutomationSettings): Promise<Policy | undefined> {
  let news = false;
  const policy = await change(store, (known) => {
    news = canonical(known.declared ?? automationSettings.parse({})) !== canonical(declared);
    return news ? { ...known, declared, declaredAt: store.now() } : undefined;
  });
  return news ? policy : undefined;
}

/** What an automation is for, by the first rule that fits. Undefined: none does. */
export function categoryOf(
  automation: Pick<Automation, 'platform' | 'repository' | 'name' | 'recent'>,
  rules: readonly CategoryRule[],
): Purpose | undefined {
  const { recent } = automation;
  return rules.find(
    (rule) =>
      isOf(automation, rule) &&
      fits(rule.branch, ...recent.map(({ branch }) => branch)) &&
      fits(rule.environment, ...recent.map(({ environment }) => environment)),
  )?.category;
}

/**
 * When an automation should run, as far as the settings say. Jobs that send heartbeats have their own place there, and are
 * left as they are.
 */
export function scheduleOf(
  automation: Pick<Automation, 'platform' | 'repository' | 'name' | 'schedule'>,
  { schedules, declaredAt }: Pick<Policy, 'schedules' | 'declaredAt'>,
): Schedule | undefined {
  const known = automation.schedule;
  if ((HEARTBEAT_PLATFORMS as readonly string[]).includes(automation.platform)) return known;
  const rule = schedules.find((one) => isOf(automation, one));
  const wanted = rule && readSchedule(rule);
  if (wanted === undefined) return known?.by === 'settings' ? undefined : known;
  return { ...wanted, at: declaredAt, by: 'settings' };
}

type Patterns = string | readonly string[] | undefined;

const isOf = (
  { platform, repository, name }: Pick<Automation, 'platform' | 'repository' | 'name'>,
  rule: { platform?: Patterns; repository?: Patterns; name?: Patterns },
): boolean => fits(rule.platform, platform) && fits(rule.repository, repository) && fits(rule.name, name);

const fits = (wanted: Patterns, ...texts: readonly (string | undefined)[]): boolean =>
  wanted === undefined ||
  texts.some((text) => text !== undefined && [wanted].flat().some((pattern) => isLike(text, pattern)));

/** Whether a text is what a pattern with `*` describes, in time linear in both for each `*`. */
export function isLike(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.toLowerCase().split('*');
  const last = rest.pop();
  const subject = text.toLowerCase();
  if (last === undefined) return subject === first;
  if (!subject.startsWith(first) || !subject.endsWith(last) || subject.length < first.length + last.length)
    return false;
  let from = first.length;
  const until = subject.length - last.length;
  for (const part of rest) {
    const found = subject.indexOf(part, from);
    if (found < 0 || found + part.length > until) return false;
    from = found + part.length;
  }
  return true;
}
