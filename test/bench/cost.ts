import prices from './prices.json' with { type: 'json' };

/** What happened for each delivery, counted in a run. */
export interface PerDelivery {
  writeUnits: number;
  readUnits: number;
  events: number;
  queueMessages: number;
  invocations: number;
  /** Invocations that a queue caused: each took a batch of messages with one receive and one delete. */
  queueInvocations: number;
  /** Billed: memory times duration. */
  gbSeconds: number;
  logBytes: number;
  /** Of the embedded host, which runs the functions: its own work is in it, the engine's is not. */
  cpuMs: number;
}

/** Dollars for one million deliveries at list prices, by service. */
export function costPerMillion(use: PerDelivery): Record<string, number> {
  const { perMillion, perGbSecond, perGb } = prices;
  const million = 1_000_000;
  return {
    'API Gateway': perMillion.apiGatewayHttpRequests,
    'DynamoDB writes': use.writeUnits * perMillion.dynamodbWriteUnits,
    'DynamoDB reads': use.readUnits * perMillion.dynamodbReadUnits,
    EventBridge: use.events * perMillion.eventBridgeCustomEvents,
    // One send a message; receives and deletes are batches. Empty receives of an idle queue are no cost of a delivery.
    SQS: (use.queueMessages + 2 * use.queueInvocations) * perMillion.sqsRequests,
    'Lambda requests': use.invocations * perMillion.lambdaRequests,
    'Lambda time': use.gbSeconds * million * perGbSecond.lambdaArm64,
    Logs: ((use.logBytes * million) / 1024 ** 3) * perGb.cloudWatchLogsIngested,
  };
}

export const priceDate = `${prices.date}, ${prices.region}`;
