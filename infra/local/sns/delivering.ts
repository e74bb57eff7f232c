import type { Log } from '../journal.ts';
import { AwsFault, type Caller } from '../kernel.ts';
import type { MessageAttributes } from './message.ts';
import type { Pending, SnsEvent, SnsState } from './state.ts';
import type { SnsOptions } from './types.ts';

/** SQS takes no more on a message. */
const MAX_QUEUE_ATTRIBUTES = 10;

/** The waits before the repetitions as SNS documents them for its managed endpoints: ms, by failed attempts. */
const WAITS = [0, 0, 0, 1_000, 1_000, 1_000, 1_400, 2_000, 2_700, 3_800, 5_300, 7_400, 10_300, 14_400, 20_000];
const LAST_WAIT = 20_000;
const MAX_ATTEMPTS = 100_015;

type Outcome = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

/** Hands every pending delivery to its queue or function, again until it is taken or given up. */
export function createDelivering(
  { clock, authorize, sqs, targets, onFailed }: SnsOptions,
  state: SnsState,
  log: Log<SnsEvent>,
) {
  function schedule(delivery: Pending): void {
    clock.at(delivery.dueAt, () => {
      if (delivery.protocol === 'sqs') settle(delivery, toQueue(delivery));
      else void toFunction(delivery).then((outcome) => settleQuietly(delivery, outcome));
    });
  }

  function toQueue({ topicArn, endpoint, body, attributes }: Pending): Outcome {
    try {
      sqs.send(serviceFor(topicArn), endpoint, { body, attributes });
      return { ok: true };
    } catch (error) {
      return { ok: false, error };
    }
  }

  async function toFunction({ topicArn, endpoint, body }: Pending): Promise<Outcome> {
    const caller = serviceFor(topicArn);
    try {
      authorize(caller, 'lambda:InvokeFunction', endpoint);
      await targets.invoke(endpoint, body, caller);
      return { ok: true };
    } catch (error) {
      return { ok: false, error };
    }
  }

  function settleQuietly(delivery: Pending, outcome: Outcome): void {
    try {
      settle(delivery, outcome);
    } catch {
      // The journal closed while the function was being called: the delivery is still in it and is repeated at the next start.
    }
  }

  function settle(delivery: Pending, outcome: Outcome): void {
    const attempts = delivery.attempts + 1;
    if (outcome.ok) {
      log.append({ t: 'done', id: delivery.id });
    } else if (isClientError(outcome.error) || attempts >= MAX_ATTEMPTS) {
      giveUp(delivery, outcome.error, attempts);
    } else {
      const dueAt = clock.now() + (WAITS[attempts - 1] ?? LAST_WAIT);
      log.append({ t: 'failed', id: delivery.id, attempts, dueAt });
      schedule(delivery);
    }
  }

  function giveUp(delivery: Pending, error: unknown, attempts: number): void {
    const { id, topicArn, endpoint } = delivery;
    const deadLettered = deadLetter(delivery, error);
    log.append({ t: 'done', id });
    onFailed?.({
      service: 'sns',
      sourceArn: topicArn,
      targetArn: endpoint,
      error: textOf(error),
      attempts,
      deadLettered,
    });
  }

  function deadLetter(delivery: Pending, error: unknown): boolean {
    const { topicArn, body, deadLetterArn } = delivery;
    if (deadLetterArn === undefined) return false;
    try {
      sqs.send(serviceFor(topicArn), deadLetterArn, { body, attributes: deadLetterAttributes(delivery, error) });
      return true;
    } catch {
      // Its report says that it was not kept; the authorizer has told of a denial.
      return false;
    }
  }

  for (const delivery of state.pending.values()) schedule(delivery);

  return {
    start(id: string): void {
      const delivery = state.pending.get(id);
      if (delivery) schedule(delivery);
    },
  };
}

const serviceFor = (topicArn: string): Caller => ({
  type: 'service',
  principal: 'sns.amazonaws.com',
  sourceArn: topicArn,
});

/** SNS repeats nothing that failed because of what it sent or where to: denied, not there, not acceptable. */
function isClientError(error: unknown): boolean {
  return error instanceof AwsFault && error.status < 500 && error.status !== 429;
}

/** The message's own attributes go before the error's where both do not fit; the target is what a redrive needs. */
function deadLetterAttributes({ id, endpoint, attributes = {} }: Pending, error: unknown): MessageAttributes {
  const code = error instanceof AwsFault ? error.code : 'ServerError';
  const text = (value: string) => ({ DataType: 'String', StringValue: value });
  return Object.fromEntries(
    Object.entries({
      TARGET_ARN: text(endpoint),
      ...attributes,
      ErrorCode: text(code),
      ErrorMessage: text(textOf(error)),
      RequestID: text(id),
    }).slice(0, MAX_QUEUE_ATTRIBUTES),
  );
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)) || 'Unknown error';
