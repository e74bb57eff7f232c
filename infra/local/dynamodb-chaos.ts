import type { Chaos } from './chaos.ts';
import type { Chaos as DynamoDbChaos } from './dynamodb/index.ts';
import { AwsFault, type Caller } from './kernel.ts';
import { nameOf } from './records.ts';

/** DynamoDB under load: throttled calls, batches that are only partly done. */
export function createDynamoDbChaos(chaos: Chaos): DynamoDbChaos {
  return {
    beforeCall(_service, operation: string, caller: Caller) {
      if (!chaos.strikes(`throttle ${nameOf(caller)} dynamodb:${operation}`, 0.03)) return;
      if (chaos.random() < 0.5) {
        throw new AwsFault(
          'ProvisionedThroughputExceededException',
          'The level of configured provisioned throughput for the table was exceeded.',
        );
      }
      throw new AwsFault('ThrottlingException', 'Throughput exceeds the current capacity of your table or index.');
    },
    leaveUnprocessed(operation, members, caller) {
      if (members < 2 || !chaos.strikes(`partialBatch ${nameOf(caller)} ${operation}`, 0.1)) return 0;
      return 1 + Math.floor(chaos.random() * (members - 1));
    },
  };
}
