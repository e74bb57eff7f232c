import * as z from 'zod/mini';

/**
 * The fields QMOI uses of CDEvents (https://cdevents.dev/docs/), over the versions of the specification: what is not needed
 * is not judged.
 */
const text = z.nullish(z.string());
/** An id becomes a part of a key, of which only so much is kept, beside a hash of all of it. */
const id = z.string().check(z.minLength(1), z.maxLength(2048));
const reference = z.nullish(z.object({ id, source: text }));
const OUTCOME: Readonly<Record<string, 'succeeded' | 'failed' | 'canceled' | 'skipped'>> = {
  success: 'succeeded',
  pass: 'succeeded',
  failure: 'failed',
  fail: 'failed',
  error: 'failed',
  cancel: 'canceled',
  canceled: 'canceled',
  skipped: 'skipped',
};
const outcome = z.nullish(z.enum(Object.keys(OUTCOME) as [string, ...string[]]));
export const outcomeOf = (told: string | null | undefined) => (told == null ? undefined : OUTCOME[told]);

const event = <const C extends Record<string, z.core.$ZodType>>(content: C) =>
  z.object({
    context: z.object({ id, source: id, timestamp: z.string() }),
    subject: z.object({ id, source: text, content: z.object(content) }),
  });

const nothing = event({});
const pipelineRun = event({ pipelineName: text, uri: text, url: text, outcome, errors: text });
const taskRun = event({ taskName: text, uri: text, url: text, pipelineRun: reference, outcome, errors: text });
const suiteRun = event({
  environment: reference,
  testSuite: z.nullish(z.object({ id, name: text, uri: text })),
  outcome,
  reason: text,
});
const service = event({ environment: reference, artifactId: text });
const environment = event({ name: text, uri: text, url: text });
const incident = event({ description: text, environment: reference, service: reference, ticketURI: text });
const artifact = event({ change: reference, user: text });

/** Events that tell of automation, each by subject and predicate. */
export const CDEVENTS = {
  'pipelinerun.queued': pipelineRun,
  'pipelinerun.started': pipelineRun,
  'pipelinerun.finished': pipelineRun,
  'taskrun.started': taskRun,
  'taskrun.finished': taskRun,
  'testsuiterun.queued': suiteRun,
  'testsuiterun.started': suiteRun,
  'testsuiterun.finished': suiteRun,
  'build.queued': nothing,
  'build.started': nothing,
  'build.finished': nothing,
  'artifact.packaged': artifact,
  'artifact.published': artifact,
  'service.deployed': service,
  'service.upgraded': service,
  'service.rolledback': service,
  'service.removed': service,
  'service.published': service,
  'environment.created': environment,
  'environment.modified': environment,
  'environment.deleted': environment,
  'incident.detected': incident,
  'incident.reported': incident,
  'incident.resolved': incident,
} as const;
export type CdEventName = keyof typeof CDEVENTS;
export type CdEvent<N extends CdEventName = CdEventName> = z.infer<(typeof CDEVENTS)[N]>;

/** `dev.cdevents.pipelinerun.finished.0.3.0`, and its drafts. */
const TYPE = /^dev\.cdevents\.([a-z]{1,32}\.[a-z]{1,32})\.\d{1,4}\.\d{1,4}\.\d{1,4}(?:-[\w.]{1,32})?$/;

/** Undefined: none that tells of automation. */
export function nameOfType(type: string): CdEventName | undefined {
  const name = TYPE.exec(type)?.[1] ?? '';
  return Object.hasOwn(CDEVENTS, name) ? (name as CdEventName) : undefined;
}
