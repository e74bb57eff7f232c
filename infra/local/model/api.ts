import { functionArnIn, functionsOf } from './functions.ts';
import type { Lookup } from './read.ts';
import type { ApiDefinition, AuthorizerDefinition, Throttle } from './types.ts';

export function readApi(all: Lookup): ApiDefinition | undefined {
  const [api, second] = all('AWS::ApiGatewayV2::Api');
  if (!api) return undefined;
  if (second) throw new Error('The embedded host serves one HTTP API; the template has several.');
  const functions = functionsOf(all);
  const [stage] = all('AWS::ApiGatewayV2::Stage');
  if (!stage) throw new Error('The HTTP API has no $default stage, so nothing of it would be reachable.');
  const integrations = new Map(all('AWS::ApiGatewayV2::Integration').map(({ ref, properties }) => [ref, properties]));
  const authorizers = new Map<string, AuthorizerDefinition>(
    all('AWS::ApiGatewayV2::Authorizer').map(({ ref, properties }) => [
      ref,
      {
        id: ref,
        functionArn: functionArnIn(properties.AuthorizerUri, functions),
        identitySources: properties.IdentitySource,
        ttlSeconds: properties.AuthorizerResultTtlInSeconds,
      },
    ]),
  );
  return {
    id: api.ref,
    stage: stage.properties.StageName,
    throttle: throttle(stage.properties.DefaultRouteSettings),
    routes: all('AWS::ApiGatewayV2::Route').map(
      ({ properties: { RouteKey, Target, AuthorizationType, AuthorizerId } }) => {
        const integration = integrations.get(Target.replace(/^integrations\//, ''));
        if (!integration) throw new Error(`The route ${RouteKey} has no integration.`);
        const authorizer = AuthorizationType === 'CUSTOM' ? authorizers.get(AuthorizerId ?? '') : undefined;
        if (AuthorizationType === 'CUSTOM' && !authorizer) throw new Error(`The route ${RouteKey} has no authorizer.`);
        return {
          key: RouteKey,
          functionArn: functionArnIn(integration.IntegrationUri, functions),
          timeoutMs: integration.TimeoutInMillis,
          authorizer,
          throttle: throttle(stage.properties.RouteSettings[RouteKey]),
        };
      },
    ),
  };
}

function throttle(
  settings: { ThrottlingRateLimit?: number; ThrottlingBurstLimit?: number } | undefined,
): Throttle | undefined {
  if (settings?.ThrottlingRateLimit === undefined && settings?.ThrottlingBurstLimit === undefined) return undefined;
  return {
    // What an account has by default, as far as a stage leaves one of the two open.
    rate: settings.ThrottlingRateLimit ?? 10_000,
    burst: settings.ThrottlingBurstLimit ?? 5_000,
  };
}
