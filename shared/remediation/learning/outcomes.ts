import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Remediation } from '../../model/index.ts';
import { effectsPartition, expiry, outcomePartition, type Store } from '../../store/index.ts';
import type { Tally } from './beta.ts';
import type { Outcome } from './breaker.ts';
import { NOTHING, sumOf, type Worth } from './prices.ts';

/**
 * What came of each fix, one item each, so that noting it again changes nothing. Tallies are counted over the newest of
 * them: what was true long ago does not weigh against what is true now.
 */

const COUNTED = 200;
const KEPT_DAYS = 90;

/** A cause × playbook that something is known of. */
export interface Effect {
  readonly cause: string;
  readonly playbook: string;
}

const ofCause = ({ cause, playbook }: Effect): string => `cause ${cause} ${playbook}`;
const ofPlace = (playbook: string, place: { platform: string; repository: string }): string =>
  `place ${playbook} ${place.platform}/${place.repository}`.toLowerCase();

export async function recordOutcome(
  store: Store,
  fix: { id: string; causes: readonly string[]; playbook: string; platform: string; repository: string; at: string },
  succeeded: boolean,
  worth: Worth = NOTHING,
): Promise<void> {
  const expiresAt = expiry(fix.at, KEPT_DAYS);
  const effects = fix.causes.map((cause) => ({ cause, playbook: fix.playbook }));
  const subjects = [...effects.map(ofCause), ofPlace(fix.playbook, fix)];
  await Promise.all([
    ...subjects.map((subject) =>
      // By the fix alone, so that a second reading of one outcome does not count twice.
      store.putItem({ pk: outcomePartition(subject), sk: `${fix.at}|${fix.id}`, succeeded, ...worth, expiresAt }),
    ),
    ...effects.map((effect) =>
      store.putItem({ pk: effectsPartition, sk: `${effect.cause}|${effect.playbook}`, ...effect, expiresAt }),
    ),
  ]);
}

/** Takes back what was noted of a fix, as it says nothing of it. */
export async function withdrawOutcome(
  store: Store,
  fix: Pick<Remediation, 'id' | 'causes' | 'playbook' | 'platform' | 'repository' | 'createdAt'>,
): Promise<void> {
  const { id, causes = [], playbook, createdAt } = fix;
  for (const subject of [...causes.map((cause) => ofCause({ cause, playbook })), ofPlace(playbook, fix)]) {
    const pk = outcomePartition(subject);
    const { Items = [] } = await store.client.send(
      new QueryCommand({
        TableName: store.tableName,
        KeyConditionExpression: 'pk = :pk AND sk >= :since',
        ExpressionAttributeValues: { ':pk': pk, ':since': createdAt },
      }),
    );
    const theirs = Items.map(({ sk }) => String(sk)).filter((sk) => sk.endsWith(`|${id}`));
    await Promise.all(theirs.map((sk) => store.deleteItem({ pk, sk })));
  }
}

async function newest(store: Store, subject: string, limit: number): Promise<(Outcome & Worth)[]> {
  const { Items = [] } = await store.client.send(
    new QueryCommand({
      TableName: store.tableName,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': outcomePartition(subject) },
      ScanIndexForward: false,
      Limit: limit,
    }),
  );
  return Items.map(({ sk, succeeded, ...rest }) => ({
    ...NOTHING,
    ...(rest as unknown as Partial<Worth>),
    at: String(sk).split('|')[0] ?? '',
    succeeded: succeeded === true,
  }));
}

export async function tallyOf(store: Store, effect: Effect): Promise<Tally> {
  const outcomes = await newest(store, ofCause(effect), COUNTED);
  const successes = outcomes.filter(({ succeeded }) => succeeded).length;
  return { successes, failures: outcomes.length - successes };
}

/** What the fixes that `tallyOf` counts saved and spent; a fix of several causes counts with each. */
export const worthIn = async (store: Store, effect: Effect): Promise<Worth> =>
  sumOf(await newest(store, ofCause(effect), COUNTED));

/** The latest first; only as many as a breaker looks at. */
export const outcomesIn = (
  store: Store,
  playbook: string,
  place: { platform: string; repository: string },
): Promise<Outcome[]> => newest(store, ofPlace(playbook, place), 20);

/** Every cause × playbook with an outcome in the last 90 days. */
export async function readEffects(store: Store): Promise<Effect[]> {
  return (await store.partition(effectsPartition)).map(({ cause, playbook }) => ({
    cause: String(cause),
    playbook: String(playbook),
  }));
}

/** Of all that are said on one occasion, the word that was said first. */
export async function firstOf(store: Store, occasion: string, word: string): Promise<string> {
  const key = { pk: outcomePartition(`occasion ${occasion}`), sk: 'first' };
  if (await store.putNew({ ...key, word, expiresAt: expiry(store.now(), 2) })) return word;
  return String((await store.getItem(key))?.word ?? word);
}

/** Gives an occasion to the first fix that asks, and to it again. */
export const tryOnce = async (store: Store, occasion: string, fix: string): Promise<boolean> =>
  (await firstOf(store, occasion, fix)) === fix;
