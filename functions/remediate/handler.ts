import { randomUUID } from 'node:crypto';
import { platforms } from '../../shared/platforms/index.ts';
import { remediateRun } from '../../shared/remediation/index.ts';
import { createStore, readParameters, systemNow } from '../../shared/runtime/aws.ts';
import { consume } from '../../shared/runtime/consume.ts';
import { env } from './env.ts';

const { TABLE_NAME, QUEUE_URL, PARAMETER_PREFIX, REMEDIATION } = env.parse(process.env);
const deps = {
  store: createStore(TABLE_NAME),
  platforms,
  read: readParameters(PARAMETER_PREFIX),
  settings: REMEDIATION,
  now: systemNow,
  owner: randomUUID(),
};

/** failure.diagnosed, run.failed, remediation.due → a fix that is claimed, carried out, or held or refused with its reason. */
export const handler = consume(QUEUE_URL, ({ envelope }) => remediateRun(envelope.key, deps));
