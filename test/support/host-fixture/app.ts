import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  App,
  aws_apigatewayv2 as apigateway,
  aws_apigatewayv2_authorizers as authorizers,
  Duration,
  aws_dynamodb as dynamodb,
  aws_events as events,
  aws_iam as iam,
  aws_apigatewayv2_integrations as integrations,
  aws_lambda as lambda,
  RemovalPolicy,
  Stack,
  aws_scheduler as scheduler,
  aws_scheduler_targets as schedulerTargets,
  aws_sns as sns,
  aws_lambda_event_sources as sources,
  aws_sqs as sqs,
  aws_sns_subscriptions as subscriptions,
  aws_events_targets as targets,
} from 'aws-cdk-lib';
import { buildSync } from 'esbuild';

/**
 * A small stack with one of everything the host emulates, so that the host's own tests need neither the real
 * stack nor its bundles. Every function writes what it was given into the table, where a test can read it.
 */
export function synthFixture(outdir: string): string {
  const build = mkdtempSync(join(tmpdir(), 'qmoi-host-fixture-'));
  const app = new App({
    outdir,
    analyticsReporting: false,
    context: { '@aws-cdk/core:newStyleStackSynthesis': true },
  });
  const stack = new Stack(app, 'Fixture');

  const table = new dynamodb.Table(stack, 'Table', {
    partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
    sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING },
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    stream: dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
    timeToLiveAttribute: 'expiresAt',
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const bus = new events.EventBus(stack, 'Bus', { eventBusName: 'fixture' });
  const topic = new sns.Topic(stack, 'Topic', { topicName: 'fixture-topic' });
  topic.addSubscription(new subscriptions.EmailSubscription('master@example.com'));

  const define = (name: string, environment: Record<string, string> = {}): lambda.Function => {
    const folder = join(build, name);
    mkdirSync(folder, { recursive: true });
    buildSync({
      entryPoints: [join(import.meta.dirname, 'functions', `${name}.ts`)],
      outfile: join(folder, 'index.js'),
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      minify: true,
      logLevel: 'error',
    });
    return new lambda.Function(stack, name, {
      functionName: `fixture-${name}`,
      runtime: lambda.Runtime.NODEJS_LATEST,
      architecture: lambda.Architecture.ARM_64,
      handler: 'index.handler',
      code: lambda.Code.fromAsset(folder),
      timeout: Duration.seconds(name === 'misbehave' ? 1 : 10),
      memorySize: 256,
      environment: { TABLE_NAME: table.tableName, ...environment },
    });
  };

  const receive = define('receive');
  table.grantWriteData(receive);
  const misbehave = define('misbehave');
  const authorize = define('authorize');
  const publish = define('publish', { BUS_NAME: bus.eventBusName });
  bus.grantPutEventsTo(publish);
  const consume = define('consume', { TOPIC_ARN: topic.topicArn });
  table.grantReadWriteData(consume);
  topic.grantPublish(consume);
  consume.addToRolePolicy(
    new iam.PolicyStatement({
      actions: ['ssm:GetParameters'],
      resources: [stack.formatArn({ service: 'ssm', resource: 'parameter', resourceName: 'qmoi/*' })],
    }),
  );
  const tick = define('tick');
  table.grantWriteData(tick);

  const api = new apigateway.HttpApi(stack, 'Api', { createDefaultStage: false });
  new apigateway.HttpStage(stack, 'Stage', {
    httpApi: api,
    stageName: '$default',
    autoDeploy: true,
    throttle: { rateLimit: 500, burstLimit: 1000 },
  });
  const lambdaAuthorizer = new authorizers.HttpLambdaAuthorizer('Authorizer', authorize, {
    responseTypes: [authorizers.HttpLambdaResponseType.SIMPLE],
    identitySource: [],
    resultsCacheTtl: Duration.seconds(0),
  });
  api.addRoutes({
    path: '/webhooks/{platform}',
    methods: [apigateway.HttpMethod.ANY],
    integration: new integrations.HttpLambdaIntegration('ReceiveIntegration', receive),
  });
  api.addRoutes({
    path: '/v1/{proxy+}',
    methods: [apigateway.HttpMethod.ANY],
    integration: new integrations.HttpLambdaIntegration('SecureIntegration', receive),
    authorizer: lambdaAuthorizer,
  });
  api.addRoutes({
    path: '/misbehave/{how}',
    methods: [apigateway.HttpMethod.POST],
    integration: new integrations.HttpLambdaIntegration('MisbehaveIntegration', misbehave),
  });

  const streamFailures = new sqs.Queue(stack, 'StreamFailures', { enforceSSL: true });
  publish.addEventSource(
    new sources.DynamoEventSource(table, {
      startingPosition: lambda.StartingPosition.TRIM_HORIZON,
      batchSize: 25,
      bisectBatchOnError: true,
      retryAttempts: 5,
      reportBatchItemFailures: true,
      onFailure: new sources.SqsDlq(streamFailures),
      filters: [
        lambda.FilterCriteria.filter({
          dynamodb: { NewImage: { entity: { S: lambda.FilterRule.isEqual('delivery') } } },
        }),
      ],
    }),
  );

  const deadLetters = new sqs.Queue(stack, 'DeadLetters', { queueName: 'fixture-dead', enforceSSL: true });
  const targetDeadLetters = new sqs.Queue(stack, 'TargetDeadLetters', { enforceSSL: true });
  const queue = new sqs.Queue(stack, 'Queue', {
    queueName: 'fixture-queue',
    visibilityTimeout: Duration.seconds(60),
    deadLetterQueue: { queue: deadLetters, maxReceiveCount: 3 },
    enforceSSL: true,
  });
  new events.Rule(stack, 'Rule', {
    eventBus: bus,
    eventPattern: { source: ['qmoi'], detailType: ['delivery.received'] },
    targets: [new targets.SqsQueue(queue, { deadLetterQueue: targetDeadLetters })],
  });
  consume.addEventSource(
    new sources.SqsEventSource(queue, { batchSize: 10, reportBatchItemFailures: true, maxConcurrency: 2 }),
  );
  consume.addToRolePolicy(
    new iam.PolicyStatement({ actions: ['sqs:ChangeMessageVisibility'], resources: [queue.queueArn] }),
  );

  new scheduler.Schedule(stack, 'EveryMinute', {
    schedule: scheduler.ScheduleExpression.rate(Duration.minutes(1)),
    target: new schedulerTargets.LambdaInvoke(tick, {}),
  });

  app.synth();
  rmSync(build, { recursive: true });
  return outdir;
}
