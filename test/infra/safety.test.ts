import { readFileSync } from 'node:fs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, it } from 'vitest';
import { subscriptions } from '../../shared/events/subscriptions.ts';
import { INDEX } from '../../shared/store/keys.ts';
import { synthesize } from './support/synth.ts';
import {
  grantsOf,
  list,
  ofType,
  only,
  type Resource,
  type Statement,
  statementsOf,
  type Template,
  target,
} from './support/template.ts';

let template: Template;
beforeAll(async () => {
  template = await synthesize();
});

const properties = (type: string) => ofType(template, type).map((resource) => resource.Properties);

describe('the checks on synth', () => {
  it('refuse what cdk-nag refuses', async () => {
    await expect(synthesize({ add: (stack) => new Topic(stack, 'OpenToPlainText') })).rejects.toThrow(
      /AwsSolutions-SNS3/,
    );
  });
});

describe('grants', () => {
  const of = (name: string, service: string) =>
    grantsOf(template)
      .filter((grant) => grant.function === name && grant.action.startsWith(`${service}:`))
      .map((grant) => grant.action);

  it('keep the webhook receiver from reading or changing anything it has written', () => {
    expect(of('receive-webhook', 'dynamodb')).toEqual(['dynamodb:PutItem']);
  });

  it('let the authorizer read the token of the master and nothing else', () => {
    const grants = grantsOf(template).filter(
      (grant) => grant.function === 'authorize' && grant.action.startsWith('ssm:'),
    );
    expect(JSON.stringify(grants.map((grant) => grant.resource))).toMatch(
      /qmoi\/master-token".*qmoi\/master-token-previous"/,
    );
    expect(grants).toHaveLength(2);
    expect(of('authorize', 'dynamodb')).toEqual([]);
  });

  it('let only notify publish to topics and only publish put events', () => {
    const holders = (action: string) =>
      new Set(
        grantsOf(template)
          .filter((grant) => grant.action === action)
          .map((grant) => grant.function),
      );
    expect(holders('sns:Publish')).toEqual(new Set(['notify']));
    expect(holders('events:PutEvents')).toEqual(new Set(['publish']));
  });

  it('name every action in full', () => {
    for (const { action } of grantsOf(template)) expect(action).toMatch(/^[a-z]+:[A-Z][A-Za-z]+$/);
  });

  it('hold no wildcard resource without its explanation beside it', () => {
    let found = 0;
    for (const policy of ofType(template, 'AWS::IAM::Policy')) {
      const explained = (policy.Metadata?.cdk_nag?.rules_to_suppress ?? []).map(({ id }) => id);
      for (const resource of statementsOf(policy).flatMap((statement) => list(statement.Resource))) {
        const text = flat(resource);
        if (!text.includes('*')) continue;
        found++;
        expect(explained, `${policy.id}: ${text}`).toContain(`AwsSolutions-IAM5[Resource::${text}]`);
      }
    }
    expect(found).toBeGreaterThan(0);
  });
});

describe('queues', () => {
  it('have a dead-letter queue or are one, and each dead-letter queue rings an alarm', () => {
    const queues = ofType(template, 'AWS::SQS::Queue');
    const dead = new Set<string | undefined>();
    const fed = new Set<string>();
    for (const { id, Properties } of queues) {
      const redrive = Properties.RedrivePolicy as { deadLetterTargetArn: unknown; maxReceiveCount: number } | undefined;
      if (redrive === undefined) continue;
      fed.add(id);
      expect(redrive.maxReceiveCount).toBe(25);
      dead.add(target(redrive.deadLetterTargetArn));
    }
    for (const { Targets } of properties('AWS::Events::Rule') as {
      Targets: { DeadLetterConfig?: { Arn: unknown } }[];
    }[]) {
      for (const each of Targets) dead.add(target(each.DeadLetterConfig?.Arn));
    }
    for (const mapping of properties('AWS::Lambda::EventSourceMapping')) {
      const onFailure = (mapping.DestinationConfig as { OnFailure?: { Destination: unknown } } | undefined)?.OnFailure;
      if (onFailure) dead.add(target(onFailure.Destination));
    }
    expect(dead).not.toContain(undefined);
    expect(queues.map(({ id }) => id).filter((id) => !fed.has(id))).toEqual(
      expect.arrayContaining([...dead] as string[]),
    );
    expect(fed.size + dead.size).toBe(queues.length);
    const watched = properties('AWS::CloudWatch::Alarm')
      .filter((alarm) => alarm.MetricName === 'ApproximateNumberOfMessagesVisible')
      .map((alarm) => target((alarm.Dimensions as { Value: unknown }[])[0]?.Value));
    expect(new Set(watched)).toEqual(dead);
  });

  it('are encrypted and refuse whatever does not come by TLS', () => {
    const closed = closedToPlainText('AWS::SQS::QueuePolicy', 'Queues', 'sqs:*');
    for (const queue of ofType(template, 'AWS::SQS::Queue')) {
      expect(queue.Properties, queue.id).toMatchObject({ SqsManagedSseEnabled: true });
      expect(closed, queue.id).toContain(queue.id);
    }
  });

  it('hide a message for six times the time-out of the function that reads them', () => {
    const queueMappings = properties('AWS::Lambda::EventSourceMapping').filter((each) => each.ScalingConfig);
    expect(queueMappings).toHaveLength(Object.keys({ ...subscriptions, 'receive-event': 'hears others' }).length);
    for (const mapping of queueMappings) {
      const queue = template.Resources[target(mapping.EventSourceArn) ?? ''];
      const reader = template.Resources[target(mapping.FunctionName) ?? ''];
      expect(queue?.Properties.VisibilityTimeout).toBeGreaterThanOrEqual(6 * Number(reader?.Properties.Timeout));
      expect(mapping).toMatchObject({ FunctionResponseTypes: ['ReportBatchItemFailures'], BatchSize: 10 });
    }
  });
});

describe('the table', () => {
  it('survives the stack, the owner and the attacker', () => {
    const table = only(ofType(template, 'AWS::DynamoDB::Table'));
    expect(table).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
        TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      },
    });
    const indexes = table.Properties.GlobalSecondaryIndexes as { IndexName: string; Projection: unknown }[];
    expect(indexes.map(({ IndexName }) => IndexName).sort()).toEqual(Object.values(INDEX).sort());
    for (const { Projection } of indexes) expect(Projection).toEqual({ ProjectionType: 'KEYS_ONLY' });
  });
});

describe('topics', () => {
  it('are five, refuse plain text, and those that no alarm rings are encrypted with a key', () => {
    const closed = closedToPlainText('AWS::SNS::TopicPolicy', 'Topics', 'sns:Publish');
    const topics = ofType(template, 'AWS::SNS::Topic');
    expect(topics.map(({ Properties }) => Properties.TopicName).sort()).toEqual(
      ['Qmoi-emergency', 'Qmoi-error', 'Qmoi-performance', 'Qmoi-real-time', 'Qmoi-status'].sort(),
    );
    const rung = new Set(properties('AWS::CloudWatch::Alarm').flatMap((alarm) => list(alarm.AlarmActions).map(target)));
    for (const { id, Properties } of topics) {
      expect(closed, id).toContain(id);
      expect(Properties.KmsMasterKeyId === undefined, id).toBe(rung.has(id));
    }
  });

  it('let alarms of this account, and no other service, publish', () => {
    const allowed = ofType(template, 'AWS::SNS::TopicPolicy')
      .flatMap(statementsOf)
      .filter((statement) => statement.Effect === 'Allow');
    expect(allowed).toHaveLength(2);
    for (const statement of allowed) {
      expect(statement).toMatchObject({
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      });
    }
  });

  it('take the subscriptions of the settings', async () => {
    const other = await synthesize({
      config: "notifications:\n  status: { mail: [a@example.com], sms: ['+4915112345678'] }",
      validate: false,
    });
    const made = ofType(other, 'AWS::SNS::Subscription').map(({ Properties }) => [
      Properties.Protocol,
      Properties.Endpoint,
      other.Resources[target(Properties.TopicArn) ?? '']?.Properties.TopicName,
    ]);
    expect(made).toEqual([
      ['email', 'a@example.com', 'Qmoi-status'],
      ['sms', '+4915112345678', 'Qmoi-status'],
    ]);
    expect(properties('AWS::SNS::Subscription')).toEqual([]);
  });
});

describe('the runbook', () => {
  it('has a heading for every alarm, and an alarm for every heading under Alarms', () => {
    const text = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
    const section = text.split(/^## /m).find((part) => part.startsWith('Alarms\n')) ?? '';
    const headings = [...section.matchAll(/^### (.+)$/gm)].map(([, title]) =>
      title?.toLowerCase().replaceAll(' ', '-'),
    );
    const linked = properties('AWS::CloudWatch::Alarm').map(
      (alarm) => /Runbook: docs\/runbook\.md#([a-z0-9-]+)$/.exec(String(alarm.AlarmDescription))?.[1],
    );
    expect(new Set(linked)).toEqual(new Set(headings));
  });

  it('is linked by alarms that tell somebody', () => {
    for (const alarm of ofType(template, 'AWS::CloudWatch::Alarm')) {
      expect(list(alarm.Properties.AlarmActions), alarm.id).toHaveLength(1);
    }
  });
});

/** Resources whose policy denies the action to everybody without TLS. */
function closedToPlainText(type: string, attachment: string, action: string): (string | undefined)[] {
  const denies = (statement: Statement) =>
    statement.Effect === 'Deny' &&
    statement.Action === action &&
    ['*', '{"AWS":"*"}'].includes(flat(statement.Principal)) &&
    statement.Condition?.Bool?.['aws:SecureTransport'] === 'false';
  return ofType(template, type)
    .filter((policy: Resource) => statementsOf(policy).some(denies))
    .flatMap((policy) => list(policy.Properties[attachment]).map(target));
}

/** A resource of a policy as one text, pseudo parameters in angle brackets. */
function flat(value: unknown): string {
  if (typeof value === 'string') return value;
  const join = (value as { 'Fn::Join'?: [string, unknown[]] })?.['Fn::Join'];
  if (join) return join[1].map(flat).join(join[0]);
  const ref = (value as { Ref?: string })?.Ref;
  return ref === undefined ? JSON.stringify(value) : `<${ref}>`;
}
