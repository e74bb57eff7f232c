/** Another DynamoDB-compatible engine, started by someone else and reached by its address. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from './engine.ts';
import { connect } from './engine-client.ts';

const PATIENCE_MS = 10_000;

export async function openEndpoint(endpoint: string): Promise<Engine> {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new Error(
      `QMOI_DYNAMODB_ENDPOINT must be an http(s) address such as http://127.0.0.1:8000, not "${endpoint}".`,
    );
  }
  if (/(^|\.)amazonaws\.com(\.cn)?$/.test(url.hostname)) {
    // Calls go out unsigned: the caller's keys are those of this host's pretended roles.
    throw new Error(
      'QMOI_DYNAMODB_ENDPOINT names DynamoDB on AWS, which the embedded host cannot use. Run: npx cdk deploy',
    );
  }
  const origin = url.href;
  const client = connect(() => origin);
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      await client.call('ListTables', { Limit: 1 });
      break;
    } catch (error) {
      if (performance.now() > until) {
        client.close();
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`No DynamoDB answers at ${endpoint} (QMOI_DYNAMODB_ENDPOINT): ${reason}`);
      }
      await sleep(200);
    }
  }
  client.close();
  return { origin: () => Promise.resolve(origin), close: () => Promise.resolve() };
}
