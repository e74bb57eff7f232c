import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** Structured JSON logs of one function; never a secret, never a body. */
export const createLogger = (): Logger => new Logger();

/** Of all counters in CloudWatch. Each has the dimension `service` as well: the function's name. */
export const METRICS_NAMESPACE = 'Qmoi';

export type Count = (name: string, dimensions: Readonly<Record<string, string>>, value?: number) => void;

/**
 * Counters in CloudWatch's embedded metric format: one line on standard output each, no API call. Dimensions are few and
 * of bounded values: each combination is a metric of its own to pay for.
 */
export function createCount(): Count {
  const metrics = new Metrics({ namespace: METRICS_NAMESPACE });
  return (name, dimensions, value = 1) => {
    const single = metrics.singleMetric();
    single.addDimensions({ ...dimensions });
    single.addMetric(name, MetricUnit.Count, value);
  };
}
