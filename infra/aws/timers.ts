import { Aws, Stack } from 'aws-cdk-lib';
import { ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import type { Settings } from '../../shared/runtime/settings.ts';
import { readSchedule } from '../../shared/schedule/index.ts';
import { PERIOD } from './alarms.ts';
import type { CapabilityProps } from './consumers.ts';
import { EventConsumer } from './event-consumer.ts';
import { settingsVariables } from './settings-variable.ts';

/** Whatever is due → looked at again: `wake` sweeps the timers in the table every minute. */
export class Timers extends Construct {
  constructor(scope: Construct, { service, store, bus }: CapabilityProps) {
    super(scope, 'Timers');
    const { function: wake } = new EventConsumer(this, {
      service,
      bus,
      name: 'wake',
      environment: { TABLE_NAME: store.table.tableName, ...declared(service.settings) },
    });
    // Query for the leases that a stop waits for; the list for the automations that changed rules apply to.
    store.grant(wake, 'GetItem', 'BatchGetItem', 'Query', 'PutItem');
    store.grantIndexes(wake, 'wake', 'list');

    const role = new Role(this, 'ScheduleRole', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    });
    role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [wake.lambda.functionArn] }));
    // The construct library's own target would grant every version of the function as well.
    const schedule = new CfnSchedule(this, 'Schedule', {
      name: `${Stack.of(this).stackName}-wake`,
      description: 'Sweeps what is due',
      scheduleExpression: 'rate(1 minute)',
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: wake.lambda.functionArn,
        roleArn: role.roleArn,
        input: JSON.stringify({ schedule: 'wake' }),
        // No dead-letter queue: a tick carries nothing, and the next one sweeps whatever this one did not.
        retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 0 },
      },
    });
    schedule.node.addDependency(role);
    wake.lambda.configureAsyncInvoke({ retryAttempts: 0 });

    service.alarms.watch(this, 'NotRunning', {
      says: 'The timers are not swept: whatever waits, waits on.',
      runbook: 'Timers not running',
      rings: 'emergency',
      metric: wake.lambda.metricInvocations({ period: PERIOD }),
      // Five a period are due.
      threshold: 3,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.BREACHING,
    });
  }
}

/** What the settings declare, as JSON: schedules that can be kept, and rules. Throws one sentence. */
function declared({ heartbeats, automations }: Pick<Settings, 'heartbeats' | 'automations'>) {
  const schedules = [
    ...Object.entries(heartbeats).map(([source, schedule]) => [`heartbeats.${source}`, schedule] as const),
    ...automations.schedules.map((schedule, index) => [`automations.schedules.${index}`, schedule] as const),
  ];
  for (const [where, schedule] of schedules) {
    try {
      if (readSchedule(schedule) === undefined) throw new Error('it has neither a cron nor a period (every)');
    } catch (error) {
      throw new Error(`${where} in qmoi.config.yaml: ${(error as Error).message}`);
    }
  }
  return settingsVariables(
    { HEARTBEATS: heartbeats, AUTOMATIONS: automations },
    'let the jobs declare their schedules themselves, and say by PUT /v1/policies/categories what automations are for',
  );
}
