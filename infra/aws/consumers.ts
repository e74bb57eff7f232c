import { Duration, Stack } from 'aws-cdk-lib';
import { MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { METRICS_NAMESPACE } from '../../shared/runtime/observability.ts';
import { grantControllers } from './controllers.ts';
import { EventConsumer } from './event-consumer.ts';
import { PARAMETER_PREFIX, type ServiceContext } from './service-function.ts';
import { rulesVariable, settingsVariables } from './settings-variable.ts';
import type { Store } from './store.ts';

export interface CapabilityProps {
  service: ServiceContext;
  store: Store;
  bus: EventBus;
}

/** Deliveries → runs, jobs, runners, automations. */
export class Tracking extends Construct {
  constructor(scope: Construct, { service, store, bus }: CapabilityProps) {
    super(scope, 'Tracking');
    const record = new EventConsumer(this, {
      service,
      bus,
      name: 'record',
      environment: { TABLE_NAME: store.table.tableName },
    });
    store.grant(record.function, 'GetItem', 'BatchGetItem', 'Query', 'PutItem');
  }
}

/** Failed jobs → failures with a cause, and incidents. */
export class Diagnosis extends Construct {
  constructor(scope: Construct, { service, store, bus }: CapabilityProps) {
    super(scope, 'Diagnosis');
    const diagnose = new EventConsumer(this, {
      service,
      bus,
      name: 'diagnose',
      environment: { TABLE_NAME: store.table.tableName, PARAMETER_PREFIX, ...rulesVariable(service.settings) },
      timeout: 60,
      memory: 1024,
    });
    store.grant(diagnose.function, 'GetItem', 'BatchGetItem', 'Query', 'PutItem');
    store.grantIndexes(diagnose.function, 'by');
    diagnose.function.allowParameters();

    const diagnoses = (cause: string): Metric =>
      new Metric({
        namespace: METRICS_NAMESPACE,
        metricName: 'Diagnoses',
        dimensionsMap: { service: 'diagnose', cause },
        statistic: 'Sum',
        period: SHARE_PERIOD,
      });
    service.alarms.watch(this, 'Unknown', {
      says: 'Many failures are of a kind that no rule explains.',
      runbook: 'Unknown causes',
      rings: 'error',
      metric: new MathExpression({
        label: 'share of unknown causes, percent',
        // Of a few failures a share says nothing.
        expression: `IF(FILL(unknown, 0) + FILL(known, 0) >= ${FEW}, 100 * FILL(unknown, 0) / (FILL(unknown, 0) + FILL(known, 0)), 0)`,
        usingMetrics: { unknown: diagnoses('unknown'), known: diagnoses('known') },
        period: SHARE_PERIOD,
      }),
      threshold: MANY_PERCENT,
      evaluationPeriods: 1,
      datapointsToAlarm: 1,
    });
  }
}

const SHARE_PERIOD = Duration.hours(6);
const [FEW, MANY_PERCENT] = [20, 50];

/** Diagnosed failures → claims, actions, and the proof that they helped. */
export class Remediation extends Construct {
  constructor(scope: Construct, { service, store, bus }: CapabilityProps) {
    super(scope, 'Remediation');
    const TABLE_NAME = store.table.tableName;
    const remediate = new EventConsumer(this, {
      service,
      bus,
      name: 'remediate',
      environment: {
        ...{ TABLE_NAME, PARAMETER_PREFIX, ACCOUNT: Stack.of(this).account },
        ...settingsVariables(
          { REMEDIATION: service.settings.remediation, CONTROLLERS: service.settings.controllers },
          'name platforms instead of single repositories',
        ),
      },
      timeout: 60,
    });
    store.grant(remediate.function, 'GetItem', 'BatchGetItem', 'Query', 'PutItem', 'DeleteItem');
    store.grantIndexes(remediate.function, 'by');
    remediate.function.allowParameters();
    grantControllers(remediate.function, service.settings.controllers.aws);

    const verify = new EventConsumer(this, {
      service,
      bus,
      name: 'verify',
      environment: {
        TABLE_NAME,
        ...settingsVariables(
          { REMEDIATION: service.settings.remediation },
          'name platforms instead of single repositories',
        ),
      },
    });
    store.grant(verify.function, 'GetItem', 'BatchGetItem', 'Query', 'PutItem');
    store.grantIndexes(verify.function, 'by');
  }
}
