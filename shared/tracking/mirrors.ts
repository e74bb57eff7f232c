import { createHash } from 'node:crypto';
import type { Automation, RunFact } from '../model/index.ts';
import type { PlatformFacts } from '../platforms/port.ts';
import { expiry, mirrorPartition, type Store } from '../store/index.ts';
import type { Policy } from './policy.ts';

/** A repository that is mirrored runs the same commit within this time, or is none that matters. */
const KEEP_DAYS = 14;
const REMEMBERED = 5_000;
const entered = new WeakMap<Store, Set<string>>();

interface Entry {
  /** The automation's id, platform first. */
  readonly sk: string;
}

/**
 * Finds automations that are one and the same on several platforms: the settings say so, or a run of the same name was at the
 * same commit of a repository of the same path (a fork has the commits as well, and a life of its own). The one whose id sorts first stands for them all; whoever is heard of last sees the others, so the order
 * does not matter.
 */
export async function linkMirrors(store: Store, facts: PlatformFacts, { mirrors }: Policy): Promise<void> {
  const ended = facts.automations.filter(({ recent }) => (recent ?? []).length > 0);
  await Promise.all(
    ended.flatMap((automation) => {
      const run = facts.runs.find(({ automationId }) => automationId === automation.id);
      return run === undefined || run.kind !== undefined
        ? []
        : keysOf(automation, run, mirrors).map((key) => enter(store, key, automation.id));
    }),
  );
}

function keysOf({ platform, repository }: Partial<Automation>, run: RunFact, mirrors: Policy['mirrors']): string[] {
  const name = run.name?.toLowerCase();
  const declared = mirrors.flatMap((group) => {
    const mine = group.some((reference) => {
      const [place, workflow] = parted(reference);
      return place === `${platform}:${repository}` && (workflow === undefined || workflow === name);
    });
    // Where nobody names a workflow, those of one name belong together.
    const named = group.some((reference) => parted(reference)[1] !== undefined);
    return mine ? [JSON.stringify(['declared', [...group].sort(), named ? '' : (name ?? '')])] : [];
  });
  const { commit } = run;
  return commit === undefined || name === undefined
    ? declared
    : [...declared, JSON.stringify(['commit', commit, repository?.toLowerCase(), name])];
}

function parted(reference: string): [place: string, workflow: string | undefined] {
  const [place = '', ...workflow] = reference.split('#');
  return [place, workflow.length === 0 ? undefined : workflow.join('#').toLowerCase()];
}

async function enter(store: Store, key: string, id: string): Promise<void> {
  const pk = mirrorPartition(createHash('sha256').update(key).digest('hex').slice(0, 32));
  const known = entered.get(store);
  if (known?.has(`${pk} ${id}`)) return;
  await store.putNew({ pk, sk: id, expiresAt: expiry(store.now(), KEEP_DAYS) });
  const all = ((await store.partition(pk)) as unknown as Entry[]).map(({ sk }) => sk);
  const [first] = all;
  // Two of one platform are two, whatever they are called.
  const others = all.filter((other) => platformOf(other) !== platformOf(first ?? other));
  if (first !== undefined && others.length > 0) {
    await Promise.all([
      ...others.map((other) => join(store, other, { mirrorOf: first })),
      join(store, first, { mirrors: others }),
    ]);
  }
  const memory = known === undefined || known.size >= REMEMBERED ? new Set<string>() : known;
  entered.set(store, memory.add(`${pk} ${id}`));
}

const platformOf = (id: string): string => id.split(':', 1)[0] ?? '';

const join = (store: Store, id: string, link: Pick<Automation, 'mirrorOf'> | Pick<Automation, 'mirrors'>) =>
  store.change('automation', id, (state) => {
    if (state === undefined) return undefined;
    const { mirrorOf: a, mirrors: b = [] } = state;
    const { mirrorOf: c, mirrors: d = [] } = link as Partial<Automation>;
    const [mirrorOf] = [a, c].filter((other) => other !== undefined).sort();
    const mirrors = [...new Set([...b, ...d])].sort();
    return { ...state, ...(mirrorOf !== undefined && { mirrorOf }), ...(mirrors.length > 0 && { mirrors }) };
  });
