import { Aws, Duration } from 'aws-cdk-lib';
import { Alarm, type AlarmProps, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

export interface WatchProps extends Partial<Omit<AlarmProps, 'metric' | 'threshold' | 'alarmDescription'>> {
  metric: IMetric;
  /** Alarms at this value and above, unless `comparisonOperator` says otherwise. */
  threshold: number;
  /** One sentence: what is wrong when it rings. */
  says: string;
  /** The heading in docs/runbook.md that tells what to do. */
  runbook: string;
  /** `emergency` wakes the master. */
  rings: 'error' | 'emergency';
}

/** Makes alarms that ring on two of QMOI's own topics and link the runbook. */
export class Alarms {
  private readonly topics: Record<'error' | 'emergency', Topic>;
  private readonly runbookUrl: string;

  constructor(topics: Record<'error' | 'emergency', Topic>, runbookUrl: string) {
    this.topics = topics;
    this.runbookUrl = runbookUrl;
    for (const topic of [topics.error, topics.emergency]) {
      topic.addToResourcePolicy(
        new PolicyStatement({
          sid: 'Alarms',
          principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
          actions: ['sns:Publish'],
          resources: [topic.topicArn],
          conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
        }),
      );
    }
  }

  watch(scope: Construct, id: string, { says, runbook, rings, ...props }: WatchProps): void {
    const anchor = runbook.toLowerCase().replaceAll(' ', '-');
    const alarm = new Alarm(scope, id, {
      // Two of three periods: a single spike is nobody's business at night.
      evaluationPeriods: 3,
      datapointsToAlarm: 2,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...props,
      alarmDescription: `${says} Runbook: ${this.runbookUrl}#${anchor}`,
    });
    alarm.addAlarmAction(new SnsAction(this.topics[rings]));
  }
}

/** The period that alarms look at unless they have reason for another. */
export const PERIOD = Duration.minutes(5);
