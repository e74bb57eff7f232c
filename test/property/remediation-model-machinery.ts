import { sweep } from '../../functions/wake/wake.ts';
import { eventOf, subscriptions } from '../../shared/events/index.ts';
import { type Control, type Failure, machines, type Remediation } from '../../shared/model/index.ts';
import type { ActOutcome } from '../../shared/platforms/port.ts';
import { effectiveControl, playbooks, remediateRun, verifyRun } from '../../shared/remediation/index.ts';
import { type Random, randomOf } from '../../shared/remediation/learning/index.ts';
import { type RemediationSettings, remediationSettings } from '../../shared/runtime/remediation-settings.ts';
import { done, type Rest } from '../../shared/runtime/rest.ts';
import { stateOf } from '../../shared/store/index.ts';
import { MemoryTable } from '../support/memory-table.ts';
import { type ForgeRun, isRerun, keyOf, ModelForge } from './remediation-model-forge.ts';
import { sentTooEarly, takenBackTooEarly, targetsOf } from './remediation-model-invariants.ts';
import { CALL_MS, type Call, type Faults, type Message, NO_FAULTS, Worker } from './remediation-model-workers.ts';

/** QMOI in a small world: its table, bus, queues and workers, and what must never be, looked at whenever anything happens. */

const START = Date.parse('2026-03-04T05:06:07.000Z');
export const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
/** A message whose worker died comes back. */
const VISIBILITY_MS = MINUTE;
/** On their way to the platform, or not known not to be. */
const UNDER_WAY = new Set(['executing', 'unknown']);

export class Violation extends Error {
  override readonly name = 'Violation';
}

/** How often each thing came about, so that a test that saw nothing can be told. */
export type Sights = Record<string, number>;

export abstract class Machinery {
  readonly sights: Sights = {};
  readonly trace: string[] = [];
  steps = 0;
  protected now = START;
  protected readonly random: Random;
  protected readonly table = new MemoryTable();
  protected readonly forge = new ModelForge(() => this.now);
  protected faults: Faults;
  protected messages: Message[] = [];
  protected workers: Worker[] = [];
  protected calls: Call[] = [];
  protected last: Worker | undefined;
  /** Here only the playbook that tries one of what failed alike first is followed. */
  protected readonly patient: boolean;
  private readonly settings: RemediationSettings;
  private wrong: Violation | undefined;

  constructor(seed: string) {
    this.random = randomOf(seed);
    this.faults = this.pick(
      NO_FAULTS,
      { table: 0.01, lost: 0.2, refused: 0.1 },
      { table: 0.05, lost: 0.5, refused: 0.3 },
    );
    this.forge.copies = this.pick(true, false);
    this.patient = this.random() < 0.4;
    const { patient } = this;
    this.settings = remediationSettings.parse({
      scopes: this.pick({}, {}, { 'repository:acme/web': 'approve' }),
      budgets: {
        perRepositoryPerHour: patient ? 20 : this.pick(2, 20, 20),
        perHour: patient ? 100 : this.pick(4, 100, 100),
      },
      tiers: { askFrom: this.pick(1, 2, 2, 2, 4) },
      playbooks: Object.fromEntries(
        playbooks.map(({ id }) => [
          id,
          patient ? (id === 'patient-retry' ? 'act' : 'off') : this.pick('act', 'act', 'act', 'act', 'off'),
        ]),
      ),
      outage: { runs: patient ? 20 : this.pick(3, 10) },
      approvalWithinMinutes: this.pick(5, 60),
    });
    this.table.written = (before, after) => this.hear(before, after);
  }

  /** Something took place at the forge, which its webhooks will tell. */
  protected abstract tell(run: ForgeRun): void;

  protected pick<T>(...from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T;
  }
  protected saw(what: string): void {
    this.sights[what] = (this.sights[what] ?? 0) + 1;
  }
  protected note(what: string): void {
    this.trace.push(`${new Date(this.now).toISOString().slice(8)} ${what}`);
  }
  protected check(): void {
    if (this.wrong !== undefined) throw this.wrong;
  }
  protected violated(what: string): void {
    this.note(`!! ${what}`);
    this.wrong ??= new Violation(what);
  }

  protected send(what: string, work: Message['work'], delay = 0, brisk = false): void {
    this.messages.push({ what, work, brisk, visibleAt: this.now + delay, taken: false });
  }

  /** The table's stream, the bus and the queues: at least once, in any order. */
  protected hear(before: Record<string, unknown> | undefined, after: Record<string, unknown>): void {
    if (after.entity === undefined) return;
    if (after.entity === 'remediation') this.checkStep(before, after);
    const event = eventOf(before, after);
    if (event === undefined) return;
    const { type, envelope } = event;
    if (after.entity === 'remediation' || after.entity === 'control') {
      this.saw(type);
      this.note(`${type} ${envelope.key}: ${String(after.reason ?? '')}`);
      const [, first] = /^(.+) is tried first$/.exec(String(after.reason)) ?? [];
      if (first !== undefined && type !== 'remediation.due')
        this.saw(`waits for a ${first.includes(':') ? 'run' : 'job'}`);
    }
    const heard = (by: 'remediate' | 'verify' | 'wake'): boolean =>
      subscriptions[by].some(
        (one) =>
          (one.statuses as readonly string[]).some((status) => type === `${one.entity}.${status}`) &&
          (!('attemptAbove' in one) || (envelope.attempt ?? 0) > one.attemptAbove),
      );
    const delay = () => this.pick(0, 0, 0, 50, SECOND, 5 * SECOND, 20 * SECOND);
    const { key } = envelope;
    for (const repeat of this.random() < 0.1 ? [0, 1] : [0]) {
      const late = delay() + repeat * 10 * SECOND;
      if (heard('remediate')) this.send(`remediate ${key}`, (worker) => remediateRun(key, this.depsOf(worker)), late);
      if (heard('verify') && envelope.entity !== 'incident') {
        this.send(`verify ${key}`, ({ store, now }) => verifyRun(key, { store, now }), late);
      }
      if (heard('wake')) this.send('released', ({ store }) => sweep(store, { held: true }).then(() => done), late);
    }
  }

  protected depsOf({ store, platforms, now }: Worker) {
    return { store, platforms, now, read: async () => ({}), settings: this.settings, owner: 'worker' };
  }

  protected async start(message: Message): Promise<void> {
    message.taken = true;
    message.visibleAt = this.now + VISIBILITY_MS;
    const worker = new Worker(message, {
      ...{ table: this.table, forge: this.forge, random: this.random },
      ...{ now: () => this.now, faults: () => this.faults, sends: (call) => this.leaves(call) },
    });
    this.workers.push(worker);
    this.last = worker;
    const end = (rest: Rest): void => {
      worker.over = true;
      message.taken = false;
      message.done = !rest.again;
      if (rest.again) message.visibleAt = this.now + rest.seconds * SECOND;
    };
    message.work(worker).then(end, (error: Error) => {
      if (!/does not answer|conditional request|contended/.test(error.message)) this.violated(String(error.stack));
      end({ again: true, seconds: this.pick(1, 5, 30), why: error.message });
    });
    await new Promise((resolve) => setImmediate(resolve));
  }

  protected visible(): Message[] {
    return this.messages.filter(({ taken, visibleAt }) => !taken && visibleAt <= this.now);
  }

  protected tidy(): void {
    this.workers = this.workers.filter(({ alive, over }) => alive && !over);
    this.messages = this.messages.filter(({ done: over }) => over !== true);
    this.calls = this.calls.filter(
      ({ arrived, answered, sentAt }) => !(arrived && answered) && this.now - sentAt <= CALL_MS,
    );
  }

  protected crash(worker: Worker): void {
    const busy = this.calls.some((call) => call.worker === worker && !call.answered);
    this.saw(busy ? 'crash in flight' : 'crash');
    this.note(`crash of ${worker.message.what}`);
    worker.die();
    worker.message.taken = false;
    for (const call of this.calls) if (call.worker === worker) call.answered = true;
  }

  protected leaves(call: Call): void {
    const { request } = call;
    this.note(`sends ${request.action} ${request.subject}`);
    this.saw(`sends ${request.action}`);
    if (this.controlOf(request) === 'stopped')
      this.violated(`${request.action} ${request.subject} was sent after the stop`);
    const other = this.calls.find(
      (one) => one.worker !== call.worker && overlaps(one.request, request) && !(one.arrived && one.answered),
    );
    if (other !== undefined) {
      this.violated(`${request.action} ${request.subject} was sent while ${other.request.action} was on its way`);
    }
    const fixes = this.fixes();
    const fix = fixes.find((one) => one.status === 'executing' && keyOf(one) === keyOf(request));
    if (fix !== undefined) {
      if (targetsOf(fix) !== 'all') this.saw(`${targetsOf(fix)} is sent`);
      const early = sentTooEarly(fix, fixes, this.failures());
      if (early !== undefined) this.violated(`${fix.id} was sent, and ${early}`);
      if (fix.rollbackOf !== undefined && fixes.find(({ id }) => id === fix.rollbackOf)?.lastsUntil !== undefined)
        this.saw('a guard is taken back');
    }
    this.calls.push(call);
  }

  protected controlOf({ runId, repository }: { runId: string; repository: string }): Control['status'] {
    const controls = [...(this.table.items.get('control')?.values() ?? [])].map((item) => stateOf('control', item));
    return effectiveControl(controls, { platform: runId.split(':')[0] ?? '', repository });
  }

  /** A request gets there, or its answer gets back, or either is lost. */
  protected moveOn(call: Call): void {
    const { request, worker } = call;
    const answer = (outcome: ActOutcome): void => {
      call.answered = true;
      if (worker.alive) call.answer(outcome);
    };
    if (call.arrived) {
      const lost = this.random() < this.faults.lost;
      if (lost) this.saw('answer lost');
      answer(lost ? { kind: 'unknown', reason: 'no answer' } : (call.outcome ?? { kind: 'unknown', reason: 'none' }));
      return;
    }
    if (!call.answered && this.random() < this.faults.lost * 0.5) {
      // The gateway before the forge gives up; what it passed on may still arrive.
      this.saw('gave up early');
      answer({ kind: 'unknown', reason: '502' });
      if (this.random() < 0.5) call.arrived = true;
      return;
    }
    call.arrived = true;
    if (call.answered) this.saw(worker.alive ? 'arrived after its answer' : 'arrived after a crash');
    if (this.controlOf(request) === 'stopped')
      this.violated(`${request.action} ${request.subject} arrived after the stop`);
    if (this.random() < this.faults.refused) {
      call.outcome = this.pick<ActOutcome>(
        { kind: 'retry-later', seconds: 7, reason: '429' },
        { kind: 'refused', reason: '403' },
        { kind: 'unknown', reason: '500' },
      );
      return;
    }
    const before = this.forge.effects.length;
    call.outcome = this.forge.receive(request);
    this.note(`${request.action} ${request.subject} arrived: ${call.outcome.kind}`);
    if (this.forge.effects.length === before) return;
    this.saw(`effect ${request.action}`);
    const run = this.forge.runOf(request);
    if (run !== undefined) this.tell(run);
    const same = this.forge.effects.filter((effect) => keyOf(effect.request) === keyOf(request));
    const claims = this.fixes().filter((fix) => keyOf(fix) === keyOf(request));
    if (same.length > (isRerun(request) ? 1 : claims.length)) {
      this.violated(`${keyOf(request)} took place ${same.length} times`);
    }
  }

  protected fixes(): Remediation[] {
    return this.table
      .all()
      .filter(({ entity }) => entity === 'remediation')
      .map((item) => stateOf('remediation', item));
  }

  private failures(): Failure[] {
    return this.table
      .all()
      .filter(({ entity }) => entity === 'failure')
      .map((item) => stateOf('failure', item));
  }

  protected checkStep(before: Record<string, unknown> | undefined, after: Record<string, unknown>): void {
    const [from, to] = [before?.status, after.status] as [Remediation['status'] | undefined, Remediation['status']];
    const statuses: Record<string, { next: readonly string[] }> = machines.remediation.statuses;
    if (from !== undefined && from !== to && !statuses[from]?.next.includes(to)) {
      this.violated(`${String(after.id)} went from ${from} to ${to}`);
    }
    if (to === 'rolling-back' && from !== to) {
      const early = takenBackTooEarly(stateOf('remediation', after), this.now + SECOND);
      if (early !== undefined) this.violated(`${String(after.id)} is taken back, and ${early}`);
    }
    if (!UNDER_WAY.has(to) || (from !== undefined && UNDER_WAY.has(from))) return;
    const item = stateOf('remediation', after);
    const rival = this.fixes().find((one) => one.id !== item.id && UNDER_WAY.has(one.status) && overlaps(one, item));
    if (rival !== undefined) this.violated(`${item.id} is ${to} while ${rival.id} is ${rival.status}`);
  }
}

const overlaps = (a: { subject: string; runId: string }, b: { subject: string; runId: string }): boolean =>
  a.runId === b.runId && (a.subject === b.subject || [a.subject, b.subject].includes(a.runId));
