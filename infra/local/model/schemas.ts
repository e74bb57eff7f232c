import { z } from 'zod';

/**
 * What the host honours of each resource type. A property that is not listed makes the host refuse the template: it
 * would behave otherwise than here. `ignored` members are listed because they change nothing on one machine.
 */
const ignored = z.unknown().optional();
const integer = z.coerce.number().int();
const flag = z.union([z.boolean(), z.enum(['true', 'false'])]).transform((value) => value === true || value === 'true');
const text = z.string();
const document = z.record(z.string(), z.unknown());

const retryPolicy = z.strictObject({
  MaximumRetryAttempts: integer.optional(),
  MaximumEventAgeInSeconds: integer.optional(),
});
const deadLetter = z.strictObject({ Arn: text.optional() });
const onFailure = z.strictObject({ OnFailure: z.strictObject({ Destination: text }).optional() });

export const schemas = {
  'AWS::Lambda::Function': z.strictObject({
    FunctionName: text.optional(),
    Code: z.strictObject({ S3Bucket: ignored, S3Key: text }),
    Handler: text,
    Runtime: z.string().startsWith('nodejs'),
    Role: text,
    Timeout: integer.default(3),
    MemorySize: integer.default(128),
    Environment: z.strictObject({ Variables: z.record(z.string(), z.coerce.string()).default({}) }).optional(),
    ReservedConcurrentExecutions: integer.optional(),
    Architectures: ignored,
    DeadLetterConfig: z.strictObject({ TargetArn: text }).optional(),
    Description: ignored,
    EphemeralStorage: ignored,
    KmsKeyArn: ignored,
    LoggingConfig: ignored,
    RecursiveLoop: ignored,
    RuntimeManagementConfig: ignored,
    Tags: ignored,
    TracingConfig: ignored,
  }),
  'AWS::Lambda::EventInvokeConfig': z.strictObject({
    FunctionName: text,
    Qualifier: z.literal('$LATEST'),
    MaximumRetryAttempts: integer.optional(),
    MaximumEventAgeInSeconds: integer.optional(),
    DestinationConfig: onFailure.optional(),
  }),
  'AWS::Lambda::EventSourceMapping': z.strictObject({
    EventSourceArn: text,
    FunctionName: text,
    Enabled: flag.default(true),
    BatchSize: integer.optional(),
    MaximumBatchingWindowInSeconds: integer.default(0),
    FunctionResponseTypes: z.array(z.literal('ReportBatchItemFailures')).default([]),
    FilterCriteria: z.strictObject({ Filters: z.array(z.strictObject({ Pattern: text })).default([]) }).optional(),
    ScalingConfig: z.strictObject({ MaximumConcurrency: integer.optional() }).optional(),
    StartingPosition: z.enum(['TRIM_HORIZON', 'LATEST']).optional(),
    BisectBatchOnFunctionError: flag.default(false),
    MaximumRetryAttempts: integer.default(-1),
    MaximumRecordAgeInSeconds: integer.default(-1),
    ParallelizationFactor: z.coerce.number().pipe(z.literal(1)).optional(),
    DestinationConfig: onFailure.optional(),
    MetricsConfig: ignored,
    Tags: ignored,
  }),
  'AWS::Lambda::Permission': z.strictObject({
    Action: text,
    FunctionName: text,
    Principal: text,
    SourceArn: text.optional(),
    SourceAccount: text.optional(),
  }),
  'AWS::IAM::Role': z.strictObject({
    AssumeRolePolicyDocument: document,
    ManagedPolicyArns: z.array(text).default([]),
    Policies: z.array(z.strictObject({ PolicyName: ignored, PolicyDocument: document })).default([]),
    RoleName: text.optional(),
    Description: ignored,
    MaxSessionDuration: ignored,
    Path: ignored,
    Tags: ignored,
  }),
  'AWS::IAM::Policy': z.strictObject({
    PolicyName: ignored,
    PolicyDocument: document,
    Roles: z.array(text).default([]),
  }),
  'AWS::IAM::ManagedPolicy': z.strictObject({
    ManagedPolicyName: ignored,
    Description: ignored,
    Path: ignored,
    PolicyDocument: document,
    Roles: z.array(text).default([]),
  }),
  'AWS::SQS::Queue': z.strictObject({
    QueueName: text.optional(),
    VisibilityTimeout: integer.optional(),
    DelaySeconds: integer.optional(),
    MessageRetentionPeriod: integer.optional(),
    RedrivePolicy: z.strictObject({ deadLetterTargetArn: text, maxReceiveCount: integer }).optional(),
    ReceiveMessageWaitTimeSeconds: ignored,
    RedriveAllowPolicy: ignored,
    KmsMasterKeyId: ignored,
    KmsDataKeyReusePeriodSeconds: ignored,
    SqsManagedSseEnabled: ignored,
    Tags: ignored,
  }),
  'AWS::SQS::QueuePolicy': z.strictObject({ PolicyDocument: document, Queues: z.array(text) }),
  'AWS::SNS::Topic': z.strictObject({
    TopicName: text.optional(),
    DisplayName: text.optional(),
    KmsMasterKeyId: ignored,
    TracingConfig: ignored,
    Tags: ignored,
  }),
  'AWS::SNS::TopicPolicy': z.strictObject({ PolicyDocument: document, Topics: z.array(text) }),
  'AWS::SNS::Subscription': z.strictObject({
    TopicArn: text,
    Protocol: z.enum(['email', 'email-json', 'sms', 'sqs', 'lambda']),
    Endpoint: text,
    FilterPolicy: z.unknown().optional(),
    FilterPolicyScope: z.enum(['MessageAttributes', 'MessageBody']).optional(),
    RawMessageDelivery: flag.optional(),
    RedrivePolicy: z.strictObject({ deadLetterTargetArn: text }).optional(),
    Region: ignored,
  }),
  'AWS::Events::EventBus': z.strictObject({
    Name: text,
    DeadLetterConfig: ignored,
    Description: ignored,
    KmsKeyIdentifier: ignored,
    LogConfig: ignored,
    Policy: z.unknown().optional(),
    Tags: ignored,
  }),
  'AWS::Events::EventBusPolicy': z.strictObject({
    EventBusName: text,
    StatementId: ignored,
    Statement: document,
  }),
  'AWS::Events::Rule': z.strictObject({
    Name: text.optional(),
    Description: ignored,
    EventBusName: text.default('default'),
    EventPattern: z.unknown().optional(),
    ScheduleExpression: text.optional(),
    State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
    Tags: ignored,
    Targets: z
      .array(
        z.strictObject({
          Id: text,
          Arn: text,
          Input: text.optional(),
          InputPath: text.optional(),
          InputTransformer: z
            .strictObject({ InputPathsMap: z.record(z.string(), text).optional(), InputTemplate: text })
            .optional(),
          RetryPolicy: retryPolicy.optional(),
          DeadLetterConfig: deadLetter.optional(),
        }),
      )
      .default([]),
  }),
  'AWS::Scheduler::Schedule': z.strictObject({
    Name: text.optional(),
    Description: ignored,
    GroupName: ignored,
    KmsKeyArn: ignored,
    ScheduleExpression: text,
    ScheduleExpressionTimezone: text.optional(),
    StartDate: text.optional(),
    EndDate: text.optional(),
    State: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
    // A flexible window only lets AWS be late; being on time is one of its outcomes.
    FlexibleTimeWindow: ignored,
    Target: z.strictObject({
      Arn: text,
      RoleArn: text,
      Input: text.optional(),
      RetryPolicy: retryPolicy.optional(),
      DeadLetterConfig: deadLetter.optional(),
    }),
  }),
  'AWS::SSM::Parameter': z.strictObject({
    Name: text,
    Type: z.enum(['String', 'StringList']),
    Value: text,
    Description: ignored,
    Tags: ignored,
    Tier: ignored,
  }),
  'AWS::ApiGatewayV2::Api': z.strictObject({
    Name: ignored,
    Description: ignored,
    ProtocolType: z.literal('HTTP'),
    DisableExecuteApiEndpoint: ignored,
    Tags: ignored,
  }),
  'AWS::ApiGatewayV2::Integration': z.strictObject({
    ApiId: text,
    IntegrationType: z.literal('AWS_PROXY'),
    IntegrationUri: text,
    IntegrationMethod: ignored,
    PayloadFormatVersion: z.literal('2.0'),
    TimeoutInMillis: integer.default(30_000),
    Description: ignored,
  }),
  'AWS::ApiGatewayV2::Route': z.strictObject({
    ApiId: text,
    RouteKey: text,
    Target: text,
    AuthorizationType: z.enum(['NONE', 'CUSTOM']).default('NONE'),
    AuthorizerId: text.optional(),
    OperationName: ignored,
  }),
  'AWS::ApiGatewayV2::Authorizer': z.strictObject({
    ApiId: text,
    Name: ignored,
    AuthorizerType: z.literal('REQUEST'),
    AuthorizerUri: text,
    AuthorizerPayloadFormatVersion: z.literal('2.0'),
    EnableSimpleResponses: flag.default(false).pipe(z.literal(true)),
    AuthorizerResultTtlInSeconds: integer.default(0),
    IdentitySource: z.array(text).default([]),
  }),
  'AWS::ApiGatewayV2::Stage': z.strictObject({
    ApiId: text,
    StageName: z.literal('$default'),
    AutoDeploy: ignored,
    AccessLogSettings: ignored,
    DefaultRouteSettings: routeSettings().optional(),
    RouteSettings: z.record(z.string(), routeSettings()).default({}),
    Description: ignored,
    Tags: ignored,
  }),
} as const;

function routeSettings() {
  return z.strictObject({
    ThrottlingBurstLimit: integer.optional(),
    ThrottlingRateLimit: z.coerce.number().optional(),
    DetailedMetricsEnabled: ignored,
  });
}

/** Types whose properties another part of the host judges itself, or which have none that matter. */
export const UNJUDGED: ReadonlySet<string> = new Set([
  'AWS::DynamoDB::Table',
  'AWS::DynamoDB::GlobalTable',
  'AWS::KMS::Alias',
  'AWS::KMS::Key',
  'AWS::Scheduler::ScheduleGroup',
]);

export type Schemas = typeof schemas;
export type SchemaName = keyof Schemas;
export type PropertiesOf<T extends SchemaName> = z.output<Schemas[T]>;
