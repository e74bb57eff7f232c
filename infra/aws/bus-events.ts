import { Aws } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { BUS_EVENTS } from '../../shared/platforms/bus.ts';
import type { CapabilityProps } from './consumers.ts';
import { EventConsumer } from './event-consumer.ts';

/** What other services of this account say on its default bus → the ledger of deliveries. */
export class BusEvents extends Construct {
  constructor(scope: Construct, { service, store }: Omit<CapabilityProps, 'bus'>) {
    super(scope, 'BusEvents');
    const receive = new EventConsumer(this, {
      service,
      name: 'receive-event',
      // Whoever may put events there is trusted as far as this account goes, and not those whom it lets in from others.
      patterns: Object.values(BUS_EVENTS).map(({ source, types }) => ({
        source: [source],
        detailType: [...types],
        account: [Aws.ACCOUNT_ID],
      })),
      environment: { TABLE_NAME: store.table.tableName },
      memory: 256,
    });
    store.grant(receive.function, 'PutItem');
  }
}
