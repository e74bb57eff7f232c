import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { type PublishPorts, publishRecords } from '../../shared/events/index.ts';
import { createStore } from '../../shared/runtime/aws.ts';
import { appendActivity } from '../../shared/store/index.ts';
import { env } from './env.ts';
import { createPark, createPut } from './ports.ts';

const { TABLE_NAME, BUS_NAME, FAILED_QUEUE_URL } = env.parse(process.env);
const store = createStore(TABLE_NAME);
const ports = {
  put: createPut(new EventBridgeClient({}), BUS_NAME),
  remember: (...[events, at]: Parameters<PublishPorts['remember']>) => appendActivity(store, events, at),
  park: createPark(new SQSClient({}), FAILED_QUEUE_URL),
};

/** The table's stream → `<entity>.<status>` on the bus. */
export async function handler(event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> {
  const again = await publishRecords(event.Records, ports);
  return { batchItemFailures: again === undefined ? [] : [{ itemIdentifier: again }] };
}
