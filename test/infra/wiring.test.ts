import { Stack } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../infra/aws/create-app.ts';
import { type Environment, environments } from '../../infra/aws/functions.ts';
import { Topics } from '../../infra/aws/notification.ts';
import { ServiceFunction } from '../../infra/aws/service-function.ts';
import { PUBLISHED, type Subscription, subscriptions } from '../../shared/events/subscriptions.ts';
import { machines } from '../../shared/model/index.ts';
import { parseConfig } from '../../shared/runtime/config.ts';
import { createCount } from '../../shared/runtime/observability.ts';
import { synthesize } from './support/synth.ts';
import { environmentOf, list, nameOf, ofType, only, statementsOf, type Template, target } from './support/template.ts';

let template: Template;
beforeAll(async () => {
  template = await synthesize({ validate: false });
});

const properties = (type: string) => ofType(template, type).map((resource) => resource.Properties);
const functions = () => new Map(properties('AWS::Lambda::Function').map((each) => [nameOf(each), each]));

describe('functions', () => {
  it('are one per verb', () => {
    expect([...functions().keys()].sort()).toEqual(Object.keys(environments).sort());
  });

  it('get exactly the variables that their schema names, besides what all have', () => {
    const common = ['NODE_OPTIONS', 'POWERTOOLS_LOG_LEVEL', 'POWERTOOLS_METRICS_NAMESPACE', 'POWERTOOLS_SERVICE_NAME'];
    for (const [name, { shape }] of Object.entries(environments)) {
      const given = Object.keys(environmentOf(functions().get(name) ?? {}));
      expect(given.sort(), name).toEqual([...Object.keys(shape), ...common].sort());
    }
  });

  it('are refused at synth when a variable is missing or one too many is given', () => {
    const stack = new Stack();
    const settings = parseConfig('');
    const { alarms } = new Topics(stack, settings);
    const service = { code: () => Code.fromInline(' '), alarms, settings };
    const given = (environment: object) => () =>
      new ServiceFunction(new Construct(stack, Object.keys(environment).join('And') || 'None'), {
        service,
        name: 'api',
        environment: environment as Environment<'api'>,
      });
    expect(given({})).toThrow('functions/api/env.ts wants DIAGNOSIS, PARAMETER_PREFIX, TABLE_NAME, but is given ');
    expect(given({ TABLE_NAME: 't', MORE: 'm' })).toThrow(
      'functions/api/env.ts wants DIAGNOSIS, PARAMETER_PREFIX, TABLE_NAME, but is given MORE, TABLE_NAME',
    );
  });

  it('are not made of rules of diagnosis that cannot be used', async () => {
    const rules = {
      category: 'network',
      remedy: 'Wait.',
      pattern: 'gate \\d',
      literals: ['gate'],
      examples: ['gate 7'],
    };
    const app = (more: object) =>
      createApp({
        settings: parseConfig(JSON.stringify({ diagnosis: { rules: { 'gate-closed': { ...rules, ...more } } } })),
        code: () => Code.fromInline(' '),
        validate: false,
      });
    await expect(app({ examples: ['a wall'] })).rejects.toThrow(
      'diagnosis.rules.gate-closed in qmoi.config.yaml: It does not match its example "a wall".',
    );
    await expect(app({ remedy: 'x'.repeat(1000), nearMisses: Array(5).fill('n'.repeat(500)) })).rejects.toThrow(
      'say rules by PUT /v1/rules/<id>',
    );
    const template = (await app({})).synth().getStackByName('Qmoi').template as Template;
    const given = ofType(template, 'AWS::Lambda::Function').map(
      ({ Properties }) => environmentOf(Properties).DIAGNOSIS,
    );
    expect(given.filter((value) => String(value).includes('gate-closed'))).toHaveLength(2);
  });

  it('get values that their schema accepts', () => {
    for (const [name, schema] of Object.entries(environments)) {
      const variables = Object.entries(environmentOf(functions().get(name) ?? {}));
      const resolved = variables.map(([key, value]) => [
        key,
        typeof value === 'string' ? value : 'resolved-at-deployment',
      ]);
      expect(schema.safeParse(Object.fromEntries(resolved)), name).toMatchObject({ success: true });
    }
  });

  it('run on arm64 and the newest Node, traced, with source maps and a log group of their own that forgets', () => {
    const logGroups = new Map(ofType(template, 'AWS::Logs::LogGroup').map((group) => [group.id, group]));
    for (const [name, each] of functions()) {
      expect(each, name).toMatchObject({
        Architectures: ['arm64'],
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        TracingConfig: { Mode: 'Active' },
        Environment: { Variables: { NODE_OPTIONS: '--enable-source-maps' } },
      });
      const group = logGroups.get(target((each.LoggingConfig as { LogGroup: unknown }).LogGroup) ?? '');
      expect(group?.Properties, name).toMatchObject({ LogGroupName: `/aws/lambda/Qmoi-${name}`, RetentionInDays: 30 });
      logGroups.delete(group?.id ?? '');
    }
  });

  it('have a role each, with no managed policy', () => {
    const roles = [...functions().values()].map((each) => target(each.Role));
    expect(new Set(roles).size).toBe(roles.length);
    for (const role of properties('AWS::IAM::Role')) expect(role).not.toHaveProperty('ManagedPolicyArns');
  });
});

describe('events', () => {
  interface Pattern {
    source: string[];
    'detail-type': string[];
    detail?: { attempt?: [{ numeric: [string, number] }]; platform?: string[] };
  }

  it('reach each consumer exactly as it is subscribed, by exact names', () => {
    for (const [name, wanted] of Object.entries<readonly Subscription[]>(subscriptions)) {
      const heard = properties('AWS::Events::Rule')
        .filter((rule) => new RegExp(`^Qmoi-${name}-\\d+$`).test(String(rule.Name)))
        .flatMap((rule) => {
          const pattern = rule.EventPattern as Pattern;
          expect(pattern.source).toEqual(['qmoi']);
          const [above, platforms] = [pattern.detail?.attempt?.[0].numeric[1], pattern.detail?.platform];
          return pattern['detail-type'].map((type) => ({ type, above, platforms }));
        });
      const expected = wanted.flatMap(({ entity, statuses, attemptAbove, platforms }) =>
        statuses.map((status) => ({ type: `${entity}.${status}`, above: attemptAbove, platforms })),
      );
      const sorted = (events: { type: string }[]) => events.sort((a, b) => a.type.localeCompare(b.type));
      expect(sorted(heard), name).toEqual(sorted(expected));
    }
  });

  it('of other services come from the account’s default bus, and only those of this account', () => {
    const rules = properties('AWS::Events::Rule').filter(({ Name }) => /^Qmoi-receive-event-\d+$/.test(String(Name)));
    expect(rules).toHaveLength(1);
    expect(rules[0]).not.toHaveProperty('EventBusName');
    expect(rules[0]?.EventPattern).toEqual({
      source: ['aws.braket'],
      account: [{ Ref: 'AWS::AccountId' }],
      'detail-type': [
        'Braket Task State Change',
        'Braket Job State Change',
        'Braket Device Status Change',
        'Braket QPU Status Change',
      ],
    });
  });

  it('are of statuses that the model knows', () => {
    for (const { entity, statuses } of Object.values<readonly Subscription[]>(subscriptions).flat()) {
      const known = [...Object.keys(machines[entity].statuses), 'due', 'updated'];
      for (const status of statuses) expect(known, entity).toContain(status);
    }
  });

  it('are made of changes of published entities only, in order and without losing any', () => {
    const mapping = only(properties('AWS::Lambda::EventSourceMapping').filter((each) => each.StartingPosition));
    expect(mapping).toMatchObject({
      StartingPosition: 'TRIM_HORIZON',
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ParallelizationFactor: 1,
      DestinationConfig: { OnFailure: expect.anything() },
    });
    expect(mapping.MaximumRetryAttempts).toBeGreaterThan(0);
    expect(mapping.MaximumRecordAgeInSeconds).toBeLessThan(24 * 3600);
    const filters = (mapping.FilterCriteria as { Filters: { Pattern: string }[] }).Filters.map(
      ({ Pattern }) => JSON.parse(Pattern).dynamodb.NewImage as { entity: { S: string[] }; status?: { S: string[] } },
    );
    // AWS takes five at most.
    expect(filters.length).toBeLessThanOrEqual(5);
    expect(filters.flatMap(({ entity }) => entity.S).sort()).toEqual([...PUBLISHED].sort());
    const deliveries = filters.find(({ entity }) => entity.S.includes('delivery'));
    expect(deliveries?.status?.S.sort()).toEqual(['quarantined', 'received']);
  });
});

describe('the HTTP API', () => {
  it('asks the authorizer for /v1 only, for every request anew, whatever it carries', () => {
    const routes = properties('AWS::ApiGatewayV2::Route').map((route) => [route.RouteKey, route.AuthorizationType]);
    expect(Object.fromEntries(routes)).toEqual({
      'ANY /webhooks/{platform}': 'NONE',
      'ANY /heartbeats': 'NONE',
      'ANY /v1/{proxy+}': 'CUSTOM',
      $default: 'NONE',
    });
    expect(properties('AWS::ApiGatewayV2::Authorizer')).toEqual([
      expect.objectContaining({
        AuthorizerType: 'REQUEST',
        EnableSimpleResponses: true,
        AuthorizerPayloadFormatVersion: '2.0',
        AuthorizerResultTtlInSeconds: 0,
        IdentitySource: [],
      }),
    ]);
  });

  it('is throttled, logs neither headers nor query strings, and lets no other origin in', () => {
    const stage = only(properties('AWS::ApiGatewayV2::Stage'));
    expect(stage).toMatchObject({ DefaultRouteSettings: { ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 } });
    const format = JSON.parse((stage.AccessLogSettings as { Format: string }).Format) as Record<string, string>;
    expect(format).toHaveProperty('requestId');
    expect(Object.values(format).join()).not.toMatch(/header|query|\$context\.path/i);
    expect(properties('AWS::ApiGatewayV2::Api')[0]).not.toHaveProperty('CorsConfiguration');
  });
});

describe('schedules', () => {
  it.each([
    ['wake', 'rate(1 minute)'],
    ['reconcile', 'rate(5 minutes)'],
  ])('call %s at %s, with a role that may only invoke it', (name, expression) => {
    const schedule = only(properties('AWS::Scheduler::Schedule').filter(({ Name }) => Name === `Qmoi-${name}`));
    expect(schedule).toMatchObject({ ScheduleExpression: expression, FlexibleTimeWindow: { Mode: 'OFF' } });
    const { Arn, RoleArn } = schedule.Target as { Arn: unknown; RoleArn: unknown };
    expect(nameOf(template.Resources[target(Arn) ?? '']?.Properties ?? {})).toBe(name);
    const policies = ofType(template, 'AWS::IAM::Policy').filter((policy) =>
      list(policy.Properties.Roles).some((role) => target(role) === target(RoleArn)),
    );
    expect(policies.flatMap(statementsOf)).toEqual([
      { Action: 'lambda:InvokeFunction', Effect: 'Allow', Resource: Arn },
    ]);
  });
});

describe('the alarm on the share of unknown causes', () => {
  it('looks at the metric that diagnose writes', () => {
    const written: string[] = [];
    const log = vi.spyOn(process.stdout, 'write').mockImplementation((line) => written.push(String(line)) > 0);
    vi.stubEnv(
      'POWERTOOLS_SERVICE_NAME',
      String(environmentOf(functions().get('diagnose') ?? {}).POWERTOOLS_SERVICE_NAME),
    );
    for (const cause of ['unknown', 'known']) createCount()('Diagnoses', { cause });
    log.mockRestore();
    vi.unstubAllEnvs();
    const reported = written.map((line) => {
      const { _aws, ...fields } = JSON.parse(line);
      const [{ Namespace, Dimensions, Metrics }] = _aws.CloudWatchMetrics;
      return {
        Namespace,
        MetricName: Metrics[0].Name,
        Dimensions: Dimensions[0].map((Name: string) => ({ Name, Value: fields[Name] })),
      };
    });
    const alarm = only(
      properties('AWS::CloudWatch::Alarm').filter(({ AlarmDescription }) =>
        /#unknown-causes$/.test(`${AlarmDescription}`),
      ),
    );
    const watched = (alarm.Metrics as { MetricStat?: { Metric: { Dimensions: { Name: string }[] } } }[]).flatMap(
      ({ MetricStat }) => (MetricStat ? [MetricStat.Metric] : []),
    );
    const byName = (a: { Name: string }, b: { Name: string }) => (a.Name < b.Name ? -1 : 1);
    const sorted = (metrics: { Dimensions: { Name: string }[] }[]) =>
      metrics.map((metric) => ({ ...metric, Dimensions: [...metric.Dimensions].sort(byName) }));
    expect(sorted(watched)).toEqual(sorted(reported));
  });
});
