import { GetParametersCommand, type SSMClient } from '@aws-sdk/client-ssm';
import type { ReadParameters } from '../platforms/port.ts';

/** Secrets and addresses are fetched again at most once a minute, so that a rotation takes effect without a deploy. */
const FRESH_MS = 60_000;
/** GetParameters takes at most ten names. */
const BATCH = 10;

/** Reads settings and secrets below `prefix` from the parameter store; an absent or blank parameter is undefined. */
export function createParameterReader(deps: { prefix: string; client: SSMClient; now: () => number }): ReadParameters {
  const known = new Map<string, { value: string | undefined; at: number }>();
  const fetchInto = async (names: readonly string[]): Promise<void> => {
    for (let start = 0; start < names.length; start += BATCH) {
      const batch = names.slice(start, start + BATCH);
      const answer = await deps.client.send(
        new GetParametersCommand({ Names: batch.map((name) => deps.prefix + name), WithDecryption: true }),
      );
      const found = new Map(answer.Parameters?.map((parameter) => [parameter.Name, parameter.Value?.trim()]));
      for (const name of batch) known.set(name, { value: found.get(deps.prefix + name) || undefined, at: deps.now() });
    }
  };
  return async (names) => {
    const stale = names.filter((name) => deps.now() - (known.get(name)?.at ?? -Infinity) >= FRESH_MS);
    if (stale.length > 0) await fetchInto(stale);
    return Object.fromEntries(names.map((name) => [name, known.get(name)?.value]));
  };
}
