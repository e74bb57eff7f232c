import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { INDEX } from '../../shared/store/keys.ts';
import type { ServiceFunction } from './service-function.ts';

type Index = keyof typeof INDEX;
type TableAction = 'GetItem' | 'BatchGetItem' | 'Query' | 'PutItem' | 'DeleteItem';

const text = (name: string) => ({ name, type: AttributeType.STRING });

/** The one table: every state machine, the ledger of deliveries, timers, leases and the activity feed. */
export class Store extends Construct {
  readonly table: Table;

  constructor(scope: Construct) {
    super(scope, 'Store');
    // Encrypted under the key DynamoDB owns: a key of our own costs a call per request and guards against nobody further.
    this.table = new Table(this, 'Table', {
      partitionKey: text('pk'),
      sortKey: text('sk'),
      billingMode: BillingMode.PAY_PER_REQUEST,
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
      timeToLiveAttribute: 'expiresAt',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    // Keys only: lists fetch the items they show, and decisions never rest on an index.
    for (const [indexName, partition, sort] of [
      [INDEX.list, 'lp', 'ls'],
      [INDEX.by, 'bp', 'ls'],
      [INDEX.wake, 'wp', 'wakeAt'],
    ] as const) {
      this.table.addGlobalSecondaryIndex({
        indexName,
        partitionKey: text(partition),
        sortKey: text(sort),
        projectionType: ProjectionType.KEYS_ONLY,
      });
    }
  }

  /** Grants exactly these actions on the table's items. */
  grant(grantee: ServiceFunction, ...actions: TableAction[]): void {
    grantee.allow(
      actions.map((action) => `dynamodb:${action}`),
      this.table.tableArn,
    );
  }

  /** Grants queries of exactly these indexes. */
  grantIndexes(grantee: ServiceFunction, ...indexes: Index[]): void {
    grantee.allow(['dynamodb:Query'], ...indexes.map((index) => `${this.table.tableArn}/index/${INDEX[index]}`));
  }
}
