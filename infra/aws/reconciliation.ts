import { Aws, Duration, Stack } from 'aws-cdk-lib';
import { ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import type { CapabilityProps } from './consumers.ts';
import { EventConsumer } from './event-consumer.ts';
import { PARAMETER_PREFIX } from './service-function.ts';
import { settingsVariables } from './settings-variable.ts';

const TIMEOUT_SECONDS = 240;
const MAX_PERIOD_MINUTES = 60;

/** What the platforms know and no webhook has told → the ledger of deliveries. */
export class Reconciliation extends Construct {
  constructor(scope: Construct, { service, store, bus }: CapabilityProps) {
    super(scope, 'Reconciliation');
    const { everyMinutes } = service.settings.reconciliation;
    const { function: reconcile } = new EventConsumer(this, {
      service,
      bus,
      name: 'reconcile',
      environment: {
        ...{ TABLE_NAME: store.table.tableName, PARAMETER_PREFIX },
        ...settingsVariables(
          { RECONCILIATION: service.settings.reconciliation },
          'repositories that have sent a delivery need not be named',
        ),
      },
      timeout: TIMEOUT_SECONDS,
    });
    reconcile.allowParameters();
    store.grant(reconcile, 'GetItem', 'BatchGetItem', 'Query', 'PutItem');
    store.grantIndexes(reconcile, 'by');

    const role = new Role(this, 'ScheduleRole', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    });
    role.addToPolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [reconcile.lambda.functionArn] }),
    );
    const schedule = new CfnSchedule(this, 'Schedule', {
      name: `${Stack.of(this).stackName}-reconcile`,
      description: 'Looks at the platforms for what no webhook has told',
      scheduleExpression: everyMinutes === 1 ? 'rate(1 minute)' : `rate(${everyMinutes} minutes)`,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: reconcile.lambda.functionArn,
        roleArn: role.roleArn,
        input: JSON.stringify({ schedule: 'reconcile' }),
        // No dead-letter queue: a tick carries nothing, and the next one sweeps whatever this one did not.
        retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 0 },
      },
    });
    schedule.node.addDependency(role);
    reconcile.lambda.configureAsyncInvoke({ retryAttempts: 0 });

    service.alarms.watch(this, 'NotRunning', {
      says: 'The platforms are not swept: what their webhooks lose stays lost.',
      runbook: 'Reconciliation not running',
      rings: 'error',
      metric: reconcile.lambda.metricInvocations({ period: Duration.minutes(MAX_PERIOD_MINUTES) }),
      threshold: 1,
      evaluationPeriods: 2,
      datapointsToAlarm: 2,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.BREACHING,
    });
  }
}
