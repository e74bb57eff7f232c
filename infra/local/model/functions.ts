import type { Assembly } from '../assembly.ts';
import type { Lookup } from './read.ts';
import type { FunctionDefinition, QueueMapping, StreamMapping } from './types.ts';

/** The function that a name, an ARN or an API's invocation path means. */
export function functionArnIn(
  uri: string,
  functions: readonly { readonly ref: string; readonly arn: string }[],
): string {
  const invocation = /functions\/(arn:[^/]+)\/invocations$/.exec(uri)?.[1] ?? uri;
  const found = functions.find(({ ref, arn }) => invocation === ref || invocation === arn);
  if (!found) throw new Error(`The template refers to ${uri}, which is none of its functions.`);
  return found.arn;
}

export function functionsOf(all: Lookup): { ref: string; arn: string }[] {
  return all('AWS::Lambda::Function').map(({ ref, attributes }) => ({ ref, arn: attributes.Arn ?? '' }));
}

export function readFunctions(
  all: Lookup,
  assembly: Assembly,
  streams: ReadonlyMap<string, string>,
): { functions: FunctionDefinition[]; queueMappings: QueueMapping[]; streamMappings: StreamMapping[] } {
  const names = functionsOf(all);
  const asynchronous = new Map(
    all('AWS::Lambda::EventInvokeConfig').map(({ properties }) => [
      functionArnIn(properties.FunctionName, names),
      properties,
    ]),
  );
  const functions = all('AWS::Lambda::Function').map(({ logicalId, ref, attributes, properties }) => {
    const arn = attributes.Arn ?? '';
    const repeat = asynchronous.get(arn);
    return {
      logicalId,
      name: ref,
      arn,
      roleArn: properties.Role,
      folder: assembly.assetFolder(properties.Code.S3Key),
      handler: properties.Handler,
      runtime: properties.Runtime,
      timeoutSeconds: properties.Timeout,
      memoryMb: properties.MemorySize,
      environment: properties.Environment?.Variables ?? {},
      reservedConcurrency: properties.ReservedConcurrentExecutions,
      asynchronous: {
        retries: repeat?.MaximumRetryAttempts ?? 2,
        maximumAgeSeconds: repeat?.MaximumEventAgeInSeconds ?? 21_600,
        onFailureArn: repeat?.DestinationConfig?.OnFailure?.Destination,
        deadLetterArn: properties.DeadLetterConfig?.TargetArn,
      },
    };
  });

  const queueMappings: QueueMapping[] = [];
  const streamMappings: StreamMapping[] = [];
  for (const { ref, properties } of all('AWS::Lambda::EventSourceMapping')) {
    if (!properties.Enabled) continue;
    const mapping = {
      id: ref,
      functionArn: functionArnIn(properties.FunctionName, names),
      sourceArn: properties.EventSourceArn,
      windowSeconds: properties.MaximumBatchingWindowInSeconds,
      partialFailures: properties.FunctionResponseTypes.length > 0,
      filters: properties.FilterCriteria?.Filters.map(({ Pattern }) => Pattern) ?? [],
    };
    const tableName = streams.get(mapping.sourceArn);
    if (tableName !== undefined) {
      streamMappings.push({
        ...mapping,
        tableName,
        batchSize: properties.BatchSize ?? 100,
        startingPosition: properties.StartingPosition ?? 'TRIM_HORIZON',
        bisect: properties.BisectBatchOnFunctionError,
        maximumRetries: properties.MaximumRetryAttempts,
        maximumAgeSeconds: properties.MaximumRecordAgeInSeconds,
        onFailureArn: properties.DestinationConfig?.OnFailure?.Destination,
      });
    } else if (mapping.sourceArn.startsWith('arn:aws:sqs:')) {
      queueMappings.push({
        ...mapping,
        batchSize: properties.BatchSize ?? 10,
        maximumConcurrency: properties.ScalingConfig?.MaximumConcurrency,
      });
    } else {
      throw new Error(`The embedded host knows no event source ${mapping.sourceArn}.`);
    }
  }
  return { functions, queueMappings, streamMappings };
}
