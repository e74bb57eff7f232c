import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';

const client = new EventBridgeClient({});

interface Event {
  Records: { eventName: string; dynamodb: { SequenceNumber: string; NewImage: Record<string, { S: string }> } }[];
}

export const handler = async (event: Event) => {
  const answer = await client.send(
    new PutEventsCommand({
      Entries: event.Records.map((record) => ({
        EventBusName: process.env.BUS_NAME,
        Source: 'qmoi',
        DetailType: 'delivery.received',
        Detail: JSON.stringify({ pk: record.dynamodb.NewImage.pk?.S, body: record.dynamodb.NewImage.body?.S }),
      })),
    }),
  );
  if (answer.FailedEntryCount) throw new Error(`${answer.FailedEntryCount} entries failed`);
  return { batchItemFailures: [] };
};
