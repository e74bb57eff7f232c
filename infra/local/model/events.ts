import type { RuleDefinition } from '../events/index.ts';
import { ACCOUNT, REGION } from '../kernel.ts';
import type { ScheduleDefinition, ScheduledRule } from '../scheduler/index.ts';
import type { Lookup } from './read.ts';

export function readEvents(all: Lookup): {
  buses: { name: string; arn: string }[];
  rules: RuleDefinition[];
  scheduledRules: ScheduledRule[];
  schedules: ScheduleDefinition[];
} {
  const rules = all('AWS::Events::Rule').map(({ logicalId, attributes, properties }) => ({
    name: properties.Name ?? logicalId,
    arn: attributes.Arn ?? '',
    busName: properties.EventBusName.replace(/^.*event-bus\//, ''),
    pattern: properties.EventPattern,
    expression: properties.ScheduleExpression,
    enabled: properties.State === 'ENABLED',
    targets: properties.Targets.map((target) => ({
      id: target.Id,
      arn: target.Arn,
      ...given('input', target.Input),
      ...given('inputPath', target.InputPath),
      ...given(
        'inputTransformer',
        target.InputTransformer && {
          inputTemplate: target.InputTransformer.InputTemplate,
          ...given('inputPathsMap', target.InputTransformer.InputPathsMap),
        },
      ),
      ...given('retryPolicy', retries(target.RetryPolicy)),
      ...given('deadLetterArn', target.DeadLetterConfig?.Arn),
    })),
  }));
  return {
    buses: [
      { name: 'default', arn: `arn:aws:events:${REGION}:${ACCOUNT}:event-bus/default` },
      ...all('AWS::Events::EventBus').map(({ ref, attributes }) => ({ name: ref, arn: attributes.Arn ?? '' })),
    ],
    rules: rules.map(({ expression: _, ...rule }) => rule),
    scheduledRules: rules.flatMap(({ name, arn, expression, enabled }) =>
      expression === undefined ? [] : [{ name, arn, expression, enabled }],
    ),
    schedules: all('AWS::Scheduler::Schedule').map(({ ref, attributes, properties }) => ({
      name: ref,
      arn: attributes.Arn ?? '',
      expression: properties.ScheduleExpression,
      enabled: properties.State === 'ENABLED',
      ...given('timezone', properties.ScheduleExpressionTimezone),
      ...given('startDate', properties.StartDate),
      ...given('endDate', properties.EndDate),
      target: {
        arn: properties.Target.Arn,
        roleArn: properties.Target.RoleArn,
        ...given('input', properties.Target.Input),
        ...given('retryPolicy', retries(properties.Target.RetryPolicy)),
        ...given('deadLetterArn', properties.Target.DeadLetterConfig?.Arn),
      },
    })),
  };
}

function retries(policy: { MaximumRetryAttempts?: number; MaximumEventAgeInSeconds?: number } | undefined) {
  if (!policy) return undefined;
  return {
    ...given('maximumRetryAttempts', policy.MaximumRetryAttempts),
    ...given('maximumEventAgeInSeconds', policy.MaximumEventAgeInSeconds),
  };
}

/** The member only when there is a value, as CloudFormation leaves out what is not set. */
function given<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]?: V });
}
