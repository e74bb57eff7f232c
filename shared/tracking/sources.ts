import type { Delivery } from '../model/index.ts';
import type { Platform } from '../platforms/port.ts';
import { ids, type Store } from '../store/index.ts';

/** Sources that a process knows to be entered, so that each costs one write per process. */
const entered = new WeakMap<Store, Set<string>>();
const REMEMBERED = 5_000;

/** Makes a repository known as a source. */
export async function enterSource(store: Store, platform: string, repository: string): Promise<void> {
  const id = ids.source(platform, repository);
  const known = entered.get(store);
  const memory = known === undefined || known.size >= REMEMBERED ? new Set<string>() : known;
  entered.set(store, memory);
  if (memory.has(id)) return;
  await store.create('source', {
    id,
    status: 'active',
    statusAt: store.now(),
    origin: 'live',
    platform,
    repository,
  });
  memory.add(id);
}

/** Makes the repository of a delivery known, where its platform can be swept or looked at. */
export async function enterSourceOf(store: Store, platform: Platform, delivery: Delivery): Promise<void> {
  const { sweeper, look } = platform;
  if ((sweeper === undefined && look === undefined) || delivery.repository === undefined) return;
  await enterSource(store, platform.name, delivery.repository);
}
