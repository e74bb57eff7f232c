import { attach, type Seen, termsOf } from '../../../../shared/incidents/index.ts';
import type { Failure, Incident } from '../../../../shared/model/index.ts';
import type { Store } from '../../../../shared/store/index.ts';
import { failedRun } from '../../../support/failed-run.ts';

export const seenAt = (at: string, more: Partial<Seen> = {}): Seen => ({
  ...{ fingerprint: 'abc', title: 't', cause: 'c', category: 'network', terms: termsOf({ severity: 'medium' }) },
  ...{ platform: 'fake', repository: 'acme/shop', origin: 'live', seenAt: at },
  ...more,
});

let made = 100;
/** A failure of an incident that nobody has made good. */
export async function failureIn(store: Store, incidentId: string, more: Partial<Failure> = {}): Promise<Failure> {
  const { jobIds } = await failedRun(store, {
    externalId: String(made++),
    ...(more.repository !== undefined && { repository: more.repository }),
  });
  const { after } = await store.change(
    'failure',
    jobIds[0] ?? '',
    (state) => state && { ...state, ...more, incidentId },
  );
  if (after === undefined) throw new Error('no failure was made');
  return after;
}

/** A failure with a fingerprint, in the incident that it belongs to. */
export async function failure(store: Store, fingerprint: string, repository = 'acme/shop'): Promise<Failure> {
  const id = await attach(store, seenAt(store.now(), { fingerprint, repository }));
  return failureIn(store, id, { fingerprint, repository });
}

export async function incidentOf(store: Store, { id }: Pick<Failure, 'id'>): Promise<Incident> {
  const incident = await store.get('incident', (await store.get('failure', id))?.incidentId ?? '');
  if (incident === undefined) throw new Error('the failure is in no incident');
  return incident;
}
