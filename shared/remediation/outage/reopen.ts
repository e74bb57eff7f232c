import type { Remediation } from '../../model/index.ts';
import { mergeInto, type Store } from '../../store/index.ts';

/** Refused for what was known then; certain that nothing was done. */
const NOT_DONE: readonly Remediation['status'][] = ['refused', 'expired'];

/** Has a fix that was given up judged anew, as more is known by now. False: it was not given up. */
export async function reopen(
  store: Store,
  { id }: Remediation,
  reason: string,
  fields: Pick<Partial<Remediation>, 'outage' | 'playbook' | 'strategy'> = {},
): Promise<boolean> {
  const { changed } = await store.change('remediation', id, (state) =>
    state === undefined || !NOT_DONE.includes(state.status)
      ? undefined
      : {
          ...mergeInto('remediation', state, {
            ...{ id, status: 'proposed', statusAt: store.now(), basis: (state.basis ?? 0) + 1, origin: state.origin },
            ...{ reason, wakeAt: store.now() },
            ...(state.decision !== undefined && { decision: state.decision }),
          }),
          ...fields,
        },
  );
  return changed;
}
