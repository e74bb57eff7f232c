import type { Schedule } from '../../shared/model/index.ts';
import type { HeartbeatSettings } from '../../shared/runtime/heartbeat-settings.ts';
import { readSchedule } from '../../shared/schedule/index.ts';
import { DECLARED, ids, mergeInto, type Store } from '../../shared/store/index.ts';

/**
 * Gives the jobs of the settings their schedules, those too that have never been heard of, and takes back what the settings
 * no longer say. Without news it writes nothing.
 */
export async function declareHeartbeats(store: Store, heartbeats: HeartbeatSettings): Promise<void> {
  const wanted = new Map(
    Object.entries(heartbeats).map(([source, declared]) => [
      ids.automation(declared.platform ?? 'custom', source),
      { source, platform: declared.platform ?? 'custom', schedule: readSchedule(declared) },
    ]),
  );
  const known = (await store.getItem(DECLARED))?.ids;
  const before = Array.isArray(known) ? (known as string[]) : [];
  for (const [id, { source, platform, schedule }] of wanted) {
    const identity = { id, platform, externalId: source, repository: source, name: source, recent: [] };
    const at = store.now();
    await store.change('automation', id, (state) => {
      const next: Schedule = { at, by: 'settings', graceSeconds: 0, ...schedule };
      if (state?.schedule?.by === 'settings' && same(state.schedule, next)) return undefined;
      const merged = state ?? mergeInto('automation', undefined, { ...identity, statusAt: at, origin: 'live' });
      // Whoever watches the time looks at it next.
      return { ...merged, schedule: next, wakeAt: at };
    });
  }
  for (const id of before.filter((each) => !wanted.has(each))) {
    await store.change('automation', id, (state) =>
      state?.schedule?.by === 'settings'
        ? { ...state, schedule: { at: store.now(), by: 'beat', graceSeconds: 0 }, wakeAt: store.now() }
        : undefined,
    );
  }
  const now = [...wanted.keys()].sort();
  if (now.join() !== before.join()) await store.putItem({ ...DECLARED, ids: now });
}

/** Since when does not matter. */
const same = (a: Schedule, b: Schedule): boolean =>
  (['cron', 'zone', 'periodSeconds', 'graceSeconds'] as const).every((name) => a[name] === b[name]);
