import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { Settings } from '../../shared/runtime/settings.ts';
import { BusEvents } from './bus-events.ts';
import { type CapabilityProps, Diagnosis, Remediation, Tracking } from './consumers.ts';
import type { FunctionName } from './functions.ts';
import { QmoiHttpApi } from './http-api.ts';
import { Notification, Topics } from './notification.ts';
import { Publisher } from './publisher.ts';
import { Reconciliation } from './reconciliation.ts';
import type { ServiceContext } from './service-function.ts';
import { Store } from './store.ts';
import { Timers } from './timers.ts';

export interface QmoiStackProps extends StackProps {
  settings: Settings;
  /** Where a function's bundle is. */
  code: (name: FunctionName) => Code;
}

/** All of QMOI on AWS. Bound to no account or region, so that it synthesizes without either. */
export class QmoiStack extends Stack {
  constructor(scope: Construct, id: string, { settings, code, ...props }: QmoiStackProps) {
    super(scope, id, props);
    const { topics, alarms } = new Topics(this, settings);
    const service: ServiceContext = { code, alarms, settings };
    const store = new Store(this);
    const { bus } = new Publisher(this, { service, store });
    const http = new QmoiHttpApi(this, { service, store });
    const capability: CapabilityProps = { service, store, bus };
    new BusEvents(this, capability);
    new Tracking(this, capability);
    new Diagnosis(this, capability);
    new Remediation(this, capability);
    new Notification(this, { ...capability, topics });
    new Timers(this, capability);
    new Reconciliation(this, capability);

    new CfnOutput(this, 'ApiUrl', { value: http.url, description: 'Webhooks go to <this>webhooks/<platform>' });
    new CfnOutput(this, 'TableName', { value: store.table.tableName });
    new CfnOutput(this, 'BusName', { value: bus.eventBusName });
  }
}
