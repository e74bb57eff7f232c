import { budgetPartition, expiry, KEEP_DAYS, type Store } from '../store/index.ts';

/** What a scope may spend in the hour of `now`, as a list of the actions that spent it: repeating one costs nothing. */
const partitionsOf = (now: string, platform: string, repository: string) => {
  const hour = now.slice(0, 13);
  return { repository: budgetPartition(`${platform}/${repository}`, hour), all: budgetPartition('all', hour) };
};

/**
 * Enters an action into its hour, then counts: of two that race for the last place, both see both, so that the budget
 * may be kept too strictly and never exceeded.
 */
export async function spend(
  store: Store,
  action: { id: string; platform: string; repository: string },
): Promise<{ repository: number; all: number }> {
  const now = store.now();
  const partitions = partitionsOf(now, action.platform, action.repository);
  const others = async (pk: string): Promise<number> => {
    await store.putItem({ pk, sk: action.id, expiresAt: expiry(now, KEEP_DAYS.budget ?? 0) });
    return (await store.partition(pk)).filter((item) => item.sk !== action.id).length;
  };
  const [repository, all] = await Promise.all([others(partitions.repository), others(partitions.all)]);
  return { repository, all };
}

/** Gives back what `spend` took, for an action that was not carried out. */
export async function refund(
  store: Store,
  action: { id: string; platform: string; repository: string },
): Promise<void> {
  const { repository, all } = partitionsOf(store.now(), action.platform, action.repository);
  await Promise.all([repository, all].map((pk) => store.deleteItem({ pk, sk: action.id })));
}
