import type { Runner } from '../model/index.ts';
import { patienceMs } from '../platforms/heartbeat/normalise.ts';
import type { Change, Store } from '../store/index.ts';

/**
 * Looks at a machine whose time to be heard of has come: one that has not been is stale from then on. Its next heartbeat
 * brings it back. Machines that a platform speaks for are none of ours.
 */
export const settleRunner = (store: Store, known: Runner): Promise<Change<'runner'>> =>
  store.change(
    'runner',
    known.id,
    (state) => {
      if (state?.lastSeenAt === undefined || state.beatSeconds === undefined) return undefined;
      const { wakeAt: _, ...rest } = state;
      const due = new Date(Date.parse(state.lastSeenAt) + patienceMs(state.beatSeconds)).toISOString();
      if (due > store.now()) return { ...rest, wakeAt: due };
      return state.status === 'removed' ? rest : { ...rest, status: 'stale', statusAt: due };
    },
    known,
  );
