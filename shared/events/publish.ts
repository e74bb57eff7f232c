import type { DynamoDBRecord } from 'aws-lambda';
import { type EntityEvent, eventOf, imageOf } from './envelope.ts';

/** A stream record that can never become an event, with the key of its item, so that it can be found again. */
export interface Unpublishable {
  readonly key: unknown;
  readonly sequenceNumber: string;
  readonly error: string;
}

export interface PublishPorts {
  /** Puts events on the bus, in order; returns the positions of those that were not taken. */
  put: (events: readonly EntityEvent[]) => Promise<readonly number[]>;
  /** Keeps what happened for the activity feed; `at` is the time of the first change, the same whenever it is tried again. */
  remember: (events: readonly EntityEvent[], at: string) => Promise<void>;
  /** Keeps what could not be understood. */
  park: (record: Unpublishable) => Promise<void>;
}

/**
 * Turns changes of items into events. Returns the sequence number of the first record that has to come again, with all
 * after it: events may be doubled, never lost and never out of the order of their item.
 */
export async function publishRecords(
  records: readonly DynamoDBRecord[],
  ports: PublishPorts,
): Promise<string | undefined> {
  const events: { event: EntityEvent; sequenceNumber: string }[] = [];
  for (const record of records) {
    const sequenceNumber = record.dynamodb?.SequenceNumber ?? '';
    let event: EntityEvent | undefined;
    try {
      event = eventOf(imageOf(record.dynamodb?.OldImage), imageOf(record.dynamodb?.NewImage));
    } catch (error) {
      await ports.park({ key: imageOf(record.dynamodb?.Keys), sequenceNumber, error: String(error) });
      continue;
    }
    if (event !== undefined) events.push({ event, sequenceNumber });
  }
  if (events.length === 0) return undefined;
  const failed = await ports.put(events.map(({ event }) => event));
  const first = failed.length === 0 ? events.length : Math.min(...failed);
  const published = events.slice(0, first).map(({ event }) => event);
  // Deliveries have a list of their own; here they would cost as much as all that follows from them.
  const told = published.filter(({ envelope }) => envelope.entity !== 'delivery');
  if (told.length > 0) await ports.remember(told, changedAt(records));
  return events[first]?.sequenceNumber;
}

/** Streams tell the time in seconds. */
function changedAt(records: readonly DynamoDBRecord[]): string {
  return new Date((records[0]?.dynamodb?.ApproximateCreationDateTime ?? 0) * 1000).toISOString();
}
