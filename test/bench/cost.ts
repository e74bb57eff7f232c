import prices from './prices.json' with { type: 'json' };

/** What happened for each delivery, counted in a run. */
export interface PerDelivery {
  writeUnits: number;
  readUnits: number;
  events: number;
  queueMessages: number;
  invocations: number;
  /** Billed: memory times duration. */
  gbSeconds: number;
  logBytes: number;
}

/** A message is sent, received and deleted; receives and deletes come in batches, which is left out to be on the safe side. */
const REQUESTS_PER_MESSAGE = 3;

/** Dollars for one million deliveries at list prices, by service. */
export function costPerMillion(use: PerDelivery): Record<string, number> {
  const { perMillion, perGbSecond, perGb } = prices;
  const million = 1_000_000;
  return {
    'API Gateway': perMillion.apiGatewayHttpRequests,
    'DynamoDB writes': use.writeUnits * perMillion.dynamodbWriteUnits,
    'DynamoDB reads': use.readUnits * perMillion.dynamodbReadUnits,
    EventBridge: use.events * perMillion.eventBridgeCustomEvents,
    SQS: use.queueMessages * REQUESTS_PER_MESSAGE * perMillion.sqsRequests,
    'Lambda requests': use.invocations * perMillion.lambdaRequests,
    'Lambda time': use.gbSeconds * million * perGbSecond.lambdaArm64,
    Logs: ((use.logBytes * million) / 1024 ** 3) * perGb.cloudWatchLogsIngested,
  };
}

export const priceDate = `${prices.date}, ${prices.region}`;
