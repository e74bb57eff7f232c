import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaAuthorizer, HttpLambdaResponseType } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { platforms } from '../../shared/platforms/index.ts';
import { acknowledge } from './acknowledge.ts';
import { PARAMETER_PREFIX, type ServiceContext, ServiceFunction, withPrevious } from './service-function.ts';
import { rulesVariable } from './settings-variable.ts';
import type { Store } from './store.ts';

/** The way in: webhooks of the platforms, heartbeats of machines and jobs, and the REST API for the master. */
export class QmoiHttpApi extends Construct {
  readonly url: string;

  constructor(scope: Construct, { service, store }: { service: ServiceContext; store: Store }) {
    super(scope, 'Http');
    const TABLE_NAME = store.table.tableName;

    const receiveWebhook = new ServiceFunction(this, {
      service,
      name: 'receive-webhook',
      environment: { TABLE_NAME, PARAMETER_PREFIX },
      // The platforms give up after 10 s.
      timeout: 10,
    }).allowParameters(...Object.values(platforms).flatMap((platform) => platform.verifiedWith.flatMap(withPrevious)));
    store.grant(receiveWebhook, 'PutItem');

    const receiveHeartbeat = new ServiceFunction(this, {
      service,
      name: 'receive-heartbeat',
      environment: { TABLE_NAME, PARAMETER_PREFIX },
      timeout: 10,
    }).allowParameters(...withPrevious('heartbeat-token'));
    // Reads which run a source has begun, and what waits for its machine.
    store.grant(receiveHeartbeat, 'GetItem', 'Query', 'PutItem');

    const authorize = new ServiceFunction(this, {
      service,
      name: 'authorize',
      environment: { PARAMETER_PREFIX },
      timeout: 5,
      memory: 256,
    }).allowParameters(...withPrevious('master-token'));

    const api = new ServiceFunction(this, {
      service,
      name: 'api',
      environment: { TABLE_NAME, PARAMETER_PREFIX, ...rulesVariable(service.settings) },
      timeout: 15,
      // What signs the links of messages.
    }).allowParameters(...withPrevious('master-token'));
    store.grant(api, 'GetItem', 'BatchGetItem', 'Query', 'PutItem');
    store.grantIndexes(api, 'list', 'by');

    const httpApi = new HttpApi(this, 'Gateway', { apiName: 'qmoi', createDefaultStage: false });
    const webhooks = httpApi.addRoutes({
      path: '/webhooks/{platform}',
      methods: [HttpMethod.ANY],
      integration: new HttpLambdaIntegration('ReceiveWebhookIntegration', receiveWebhook.lambda),
    });
    const heartbeats = httpApi.addRoutes({
      path: '/heartbeats',
      methods: [HttpMethod.ANY],
      integration: new HttpLambdaIntegration('ReceiveHeartbeatIntegration', receiveHeartbeat.lambda),
    });
    const apiIntegration = new HttpLambdaIntegration('ApiIntegration', api.lambda);
    httpApi.addRoutes({
      path: '/v1/{proxy+}',
      methods: [HttpMethod.ANY],
      integration: apiIntegration,
      authorizer: new HttpLambdaAuthorizer('Authorizer', authorize.lambda, {
        responseTypes: [HttpLambdaResponseType.SIMPLE],
        // With a source of identity the gateway itself would answer a request without one, and not in our form; and
        // without one nothing can be cached.
        identitySource: [],
        resultsCacheTtl: Duration.seconds(0),
      }),
    });
    const fallback = new HttpRoute(this, 'Fallback', {
      httpApi,
      routeKey: HttpRouteKey.DEFAULT,
      integration: apiIntegration,
    });
    for (const route of webhooks) {
      acknowledge(
        route,
        'AwsSolutions-APIG4',
        'Platforms sign what they send: the function checks signature or token over the raw body, which an authorizer does not get.',
      );
    }
    for (const route of heartbeats) {
      acknowledge(
        route,
        'AwsSolutions-APIG4',
        'Each source has a token of its own, which may come as a password too; the function checks it.',
      );
    }
    acknowledge(
      fallback,
      'AwsSolutions-APIG4',
      'Serves only /healthz, which says up or down, and the answers to paths that do not exist.',
    );

    const accessLog = new LogGroup(this, 'AccessLog', {
      retention: service.settings.logs.retentionDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const stage = new HttpStage(this, 'Stage', {
      httpApi,
      stageName: '$default',
      autoDeploy: true,
      throttle: {
        rateLimit: service.settings.throttling.ratePerSecond,
        burstLimit: service.settings.throttling.burst,
      },
      accessLogSettings: {
        destination: new LogGroupLogDestination(accessLog),
        // Neither query strings nor headers: either may hold what must not be logged.
        format: AccessLogFormat.custom(
          JSON.stringify({
            requestId: '$context.requestId',
            time: '$context.requestTime',
            ip: '$context.identity.sourceIp',
            method: '$context.httpMethod',
            route: '$context.routeKey',
            status: '$context.status',
            responseBytes: '$context.responseLength',
            latencyMs: '$context.responseLatency',
            integrationStatus: '$context.integrationStatus',
            integrationError: '$context.integrationErrorMessage',
            authorizerError: '$context.authorizer.error',
          }),
        ),
      },
    });
    this.url = stage.url;

    service.alarms.watch(this, 'ServerErrors', {
      says: 'The HTTP API answers with server errors: deliveries may be getting lost.',
      runbook: 'API answering 5xx',
      rings: 'emergency',
      metric: httpApi.metricServerError({ period: Duration.minutes(1), statistic: 'Sum' }),
      threshold: 1,
    });
  }
}
