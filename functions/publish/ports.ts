import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { EntityEvent, PublishPorts } from '../../shared/events/index.ts';

/** PutEvents takes ten entries. */
const BATCH = 10;

/** Puts events on a bus, batch after batch; stops at the first batch that was not taken whole, so that order is kept. */
export function createPut(bridge: EventBridgeClient, busName: string): PublishPorts['put'] {
  return async (events) => {
    for (let start = 0; start < events.length; start += BATCH) {
      const batch = events.slice(start, start + BATCH);
      const answer = await bridge.send(
        new PutEventsCommand({ Entries: batch.map((event) => entryOf(event, busName)) }),
      );
      const failed = answer.Entries?.flatMap((entry, index) => (entry.ErrorCode === undefined ? [] : [start + index]));
      if ((answer.FailedEntryCount ?? 0) > 0) return failed?.length ? failed : [start];
    }
    return [];
  };
}

const entryOf = ({ type, envelope }: EntityEvent, busName: string) => ({
  EventBusName: busName,
  Source: 'qmoi',
  DetailType: type,
  Detail: JSON.stringify(envelope),
});

/** Parks what could not be published in a queue that a person looks at. */
export function createPark(sqs: SQSClient, queueUrl: string): PublishPorts['park'] {
  return async (record) => {
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(record) }));
  };
}
