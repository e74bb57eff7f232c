import { randomUUID } from 'node:crypto';
import { AwsFault, type Caller } from '../kernel.ts';
import { compilePattern, type Matcher } from '../patterns/index.ts';
import { eventOfEntry, readEntries, serviceEvent } from './entries.ts';
import type { BusEvent, EventBus, EventBusOptions, RuleDefinition, RuleTarget } from './index.ts';
import { inputFor } from './input.ts';

/** A delivery that was accepted and has not arrived. */
interface Owed {
  readonly id: string;
  readonly rule: string;
  readonly target: string;
  readonly input: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly attempts: number;
  readonly dueAt: number;
  readonly error?: string;
  readonly code?: string;
}
type Entry = { t: 'owed'; o: Owed } | { t: 'done'; id: string };

interface LiveRule extends RuleDefinition {
  readonly matches: Matcher | undefined;
  readonly caller: Caller;
  matched: number;
  delivered: number;
  failed: number;
}

const DEFAULT_ATTEMPTS = 185;
const DEFAULT_AGE_SECONDS = 86_400;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 60_000;
/** What no repetition will mend goes to the dead-letter queue at once. */
const FOR_GOOD = /AccessDenied|NotFound|NonExistentQueue|InvalidParameter|ValidationException/;

/**
 * An event bus: rules match, targets get. A queue has its message before PutEvents is answered, in the same write of the
 * journal; everything else is kept until it has arrived, has been given up, or lies in a dead-letter queue.
 */
export function createEventBus(options: EventBusOptions): EventBus {
  const { journal, clock, authorize, sqs, targets, newId = randomUUID } = options;
  const owed = new Map<string, Owed>();
  let running = 0;
  let accepted = 0;
  const rules = new Map(options.rules.map((rule): [string, LiveRule] => [rule.arn, live(rule)]));
  const log = journal.log<Entry>('events', {
    apply(entry) {
      if (entry.t === 'owed') owed.set(entry.o.id, entry.o);
      else owed.delete(entry.id);
    },
    *snapshot() {
      for (const delivery of owed.values()) yield { t: 'owed', o: delivery };
    },
  });
  for (const delivery of owed.values()) plan(delivery);

  function plan(delivery: Owed): void {
    clock.at(delivery.dueAt, () => void attempt(delivery));
  }

  async function attempt(delivery: Owed): Promise<void> {
    const rule = rules.get(delivery.rule);
    const target = rule?.targets.find(({ arn }) => arn === delivery.target);
    // The rule is gone since the last start: nobody is owed anything.
    if (rule === undefined || target === undefined) {
      log.append({ t: 'done', id: delivery.id });
      return;
    }
    running += 1;
    try {
      if (sqs.has(target.arn)) sqs.send(rule.caller, target.arn, { body: delivery.input });
      else {
        authorize(rule.caller, 'lambda:InvokeFunction', target.arn);
        await targets.invoke(target.arn, delivery.input, rule.caller);
      }
      rule.delivered += 1;
      log.append({ t: 'done', id: delivery.id });
    } catch (error) {
      failed(rule, target, delivery, error as Error);
    } finally {
      running -= 1;
    }
  }

  function failed(rule: LiveRule, target: RuleTarget, delivery: Owed, error: Error): void {
    const attempts = delivery.attempts + 1;
    const { maximumRetryAttempts = DEFAULT_ATTEMPTS, maximumEventAgeInSeconds = DEFAULT_AGE_SECONDS } =
      target.retryPolicy ?? {};
    const age = (clock.now() - delivery.since) / 1000;
    const over =
      (FOR_GOOD.test(error.name) && 'NonRetryable') ||
      (attempts > maximumRetryAttempts && 'MaximumRetryAttempts') ||
      (age >= maximumEventAgeInSeconds && 'MaximumEventAgeInSeconds');
    if (!over) {
      const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(delivery.attempts, 10));
      const next = { ...delivery, attempts, dueAt: clock.now() + wait, error: error.message, code: error.name };
      log.append({ t: 'owed', o: next });
      plan(next);
      return;
    }
    rule.failed += 1;
    const deadLettered = deadLetter(rule, target, delivery, { attempts, over, error });
    options.onFailed?.({
      ...{
        service: 'events',
        sourceArn: rule.arn,
        targetArn: target.arn,
        error: error.message,
        attempts,
        deadLettered,
      },
    });
    log.append({ t: 'done', id: delivery.id });
  }

  function deadLetter(
    rule: LiveRule,
    target: RuleTarget,
    delivery: Owed,
    { attempts, over, error }: { attempts: number; over: string; error: Error },
  ): boolean {
    if (target.deadLetterArn === undefined) return false;
    const text = (StringValue: string) => ({ DataType: 'String', StringValue });
    try {
      sqs.send(rule.caller, target.deadLetterArn, {
        body: delivery.input,
        attributes: {
          RULE_ARN: text(rule.arn),
          TARGET_ARN: text(target.arn),
          ERROR_CODE: text(error.name),
          ERROR_MESSAGE: text(error.message || error.name),
          RETRY_ATTEMPTS: { DataType: 'Number', StringValue: String(attempts - 1) },
          ...(over !== 'NonRetryable' && { EXHAUSTED_RETRY_CONDITION: text(over) }),
        },
      });
      return true;
    } catch {
      return false;
    }
  }

  function deliver(rule: LiveRule, event: BusEvent, key: string): void {
    for (const target of rule.targets) {
      const id = `${key}|${rule.arn}|${target.id}`;
      if (owed.has(id)) continue;
      const now = clock.now();
      const input = inputFor(target, event, rule.arn);
      const delivery: Owed = { id, rule: rule.arn, target: target.arn, input, since: now, attempts: 0, dueAt: now };
      if (!sqs.has(target.arn)) {
        log.append({ t: 'owed', o: delivery });
        void attempt(delivery);
        continue;
      }
      try {
        sqs.send(rule.caller, target.arn, { body: input });
        rule.delivered += 1;
      } catch (error) {
        log.append({ t: 'owed', o: delivery });
        failed(rule, target, delivery, error as Error);
      }
    }
  }

  function take(busName: string, event: BusEvent): void {
    accepted += 1;
    for (const rule of rules.values()) {
      if (rule.busName !== busName || rule.enabled === false || !rule.matches?.(event)) continue;
      rule.matched += 1;
      deliver(rule, event, event.id);
    }
  }

  async function putEvents(input: unknown, caller: Caller): Promise<unknown> {
    const entries = readEntries(input);
    const buses = entries.map(({ EventBusName = 'default' }) =>
      options.buses.find(({ name, arn }) => name === EventBusName || arn === EventBusName),
    );
    for (const arn of new Set(buses.flatMap((bus) => bus?.arn ?? []))) authorize(caller, 'events:PutEvents', arn);
    const answers = entries.map((entry, index) => {
      const bus = buses[index];
      if (bus === undefined) {
        return {
          ErrorCode: 'ResourceNotFoundException',
          ErrorMessage: `Event bus ${entry.EventBusName} does not exist.`,
        };
      }
      const event = eventOfEntry(entry, newId(), clock.now());
      if ('ErrorCode' in event) return event;
      take(bus.name, event);
      return { EventId: event.id };
    });
    await journal.flushed();
    return { FailedEntryCount: answers.filter((answer) => 'ErrorCode' in answer).length, Entries: answers };
  }

  return {
    async handle(operation, input, caller) {
      if (operation === 'PutEvents') return putEvents(input, caller);
      throw new AwsFault('UnknownOperationException', `events:${operation} is not emulated`);
    },
    async emit(input) {
      const event = serviceEvent(input, newId(), clock.now());
      take('default', event);
      await journal.flushed();
      return event.id;
    },
    trigger(ruleArn, event, key) {
      const rule = rules.get(ruleArn);
      if (rule === undefined) return;
      rule.matched += 1;
      deliver(rule, event, key);
    },
    accepted: () => accepted,
    pending: () => owed.size + running,
    rules: () =>
      [...rules.values()].map(({ name, arn, matched, delivered, failed: lost }) => ({
        ...{ name, arn, matched, delivered, failed: lost },
      })),
  };
}

const live = (rule: RuleDefinition): LiveRule => ({
  ...rule,
  matches: rule.pattern === undefined ? undefined : compilePattern(rule.pattern),
  caller: { type: 'service', principal: 'events.amazonaws.com', sourceArn: rule.arn },
  ...{ matched: 0, delivered: 0, failed: 0 },
});
