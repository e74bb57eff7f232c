import { sweep } from '../../functions/wake/wake.ts';
import { eventOf, subscriptions } from '../../shared/events/index.ts';
import { attach } from '../../shared/incidents/index.ts';
import { type Control, machines, type Remediation } from '../../shared/model/index.ts';
import type { ActOutcome } from '../../shared/platforms/port.ts';
import {
  answerApproval,
  askFor,
  effectiveControl,
  handActions,
  playbooks,
  remediateRun,
  setControl,
  settleControl,
  verifyRun,
} from '../../shared/remediation/index.ts';
import { type Random, randomOf } from '../../shared/remediation/learning/index.ts';
import { type RemediationSettings, remediationSettings } from '../../shared/runtime/remediation-settings.ts';
import { done, type Rest } from '../../shared/runtime/rest.ts';
import { type Store, stateOf } from '../../shared/store/index.ts';
import { MemoryTable } from '../support/memory-table.ts';
import { type ForgeRun, factsOf, isRerun, keyOf, ModelForge } from './remediation-model-forge.ts';
import { CALL_MS, type Call, type Faults, type Message, NO_FAULTS, Worker } from './remediation-model-workers.ts';

/**
 * A small world in which runs fail, people meddle, workers die and answers get lost, in an order that the dice decide; and
 * what must never be in it, looked at after every step.
 */

const START = Date.parse('2026-03-04T05:06:07.000Z');
const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
/** A message whose worker died comes back. */
const VISIBILITY_MS = MINUTE;
const MAX_WORKERS = 5;
/** The longest anything is waited for: newer work, for a day; a rerun, for six hours. */
const TIME_PASSES_MS = 60 * HOUR;

const CAUSES = {
  'dns-resolution-failed': { category: 'network', transient: true },
  'registry-server-error': { category: 'network', transient: true },
  'test-failed': { category: 'automation', transient: false },
  unknown: { category: 'unknown', transient: null },
} as const;
const REPOSITORIES = ['acme/shop', 'acme/web'] as const;
const SCOPES = ['all', 'platform:github', 'repository:acme/shop'] as const;
/** On their way to the platform, or not known not to be. */
const UNDER_WAY = new Set(['executing', 'unknown']);

export class Violation extends Error {
  override readonly name = 'Violation';
}

/** How often each thing came about, so that a test that saw nothing can be told. */
export type Sights = Record<string, number>;

export class World {
  readonly sights: Sights = {};
  readonly trace: string[] = [];
  steps = 0;
  private now = START;
  private readonly random: Random;
  private readonly table = new MemoryTable();
  private readonly forge = new ModelForge(() => this.now);
  private readonly settings: RemediationSettings;
  private faults: Faults;
  private messages: Message[] = [];
  private workers: Worker[] = [];
  private calls: Call[] = [];
  private outageUntil = 0;
  /** How often the master changes the controls, beyond what is usual. */
  private readonly nerves: number;
  /** How often whoever was at work last goes on: others then come far between two of its calls, or not at all. */
  private readonly bursts: number;
  private last: Worker | undefined;
  /** How often time stands nearly still while somebody works. */
  private readonly pace: number;
  private sweptAt = START;
  private wrong: Violation | undefined;

  constructor(seed: string) {
    this.random = randomOf(seed);
    this.faults = this.pick(
      NO_FAULTS,
      { table: 0.01, lost: 0.2, refused: 0.1 },
      { table: 0.05, lost: 0.5, refused: 0.3 },
    );
    this.nerves = this.pick(0, 0, 0.3);
    this.bursts = this.pick(0, 0.8, 0.95);
    this.pace = this.pick(0.97, 0.8);
    this.settings = remediationSettings.parse({
      scopes: this.pick({}, {}, { 'repository:acme/web': 'approve' }),
      budgets: { perRepositoryPerHour: this.pick(2, 20, 20), perHour: this.pick(4, 100, 100) },
      tiers: { askFrom: this.pick(1, 2, 2, 2, 4) },
      playbooks: Object.fromEntries(playbooks.map(({ id }) => [id, this.pick('act', 'act', 'act', 'act', 'off')])),
      outage: { runs: this.pick(3, 10) },
      approvalWithinMinutes: this.pick(5, 60),
    });
    this.table.written = (before, after) => this.hear(before, after);
  }

  /** Takes steps at random, then lets time pass until everything has ended. Throws `Violation`. */
  async live(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      await this.step();
      this.check();
    }
    await this.rest();
  }

  private pick<T>(...from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T;
  }
  private saw(what: string): void {
    this.sights[what] = (this.sights[what] ?? 0) + 1;
  }
  private note(what: string): void {
    this.trace.push(`${new Date(this.now).toISOString().slice(8)} ${what}`);
  }
  private check(): void {
    if (this.wrong !== undefined) throw this.wrong;
  }
  private violated(what: string): void {
    this.note(`!! ${what}`);
    this.wrong ??= new Violation(what);
  }

  // --- what QMOI does: messages, workers, requests ---

  private send(what: string, work: Message['work'], delay = 0, brisk = false): void {
    this.messages.push({ what, work, brisk, visibleAt: this.now + delay, taken: false });
  }

  /** The table's stream, the bus and the queues: at least once, in any order. */
  private hear(before: Record<string, unknown> | undefined, after: Record<string, unknown>): void {
    if (after.entity === undefined) return;
    if (after.entity === 'remediation') this.checkStep(before, after);
    const event = eventOf(before, after);
    if (event === undefined) return;
    const { type, envelope } = event;
    if (after.entity === 'remediation' || after.entity === 'control') {
      this.saw(type);
      this.note(`${type} ${envelope.key}: ${String(after.reason ?? '')}`);
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

  private depsOf({ store, platforms, now }: Worker) {
    return { store, platforms, now, read: async () => ({}), settings: this.settings, owner: 'worker' };
  }

  private async start(message: Message): Promise<void> {
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

  private visible(): Message[] {
    return this.messages.filter(({ taken, visibleAt }) => !taken && visibleAt <= this.now);
  }

  private tidy(): void {
    this.workers = this.workers.filter(({ alive, over }) => alive && !over);
    this.messages = this.messages.filter(({ done: over }) => over !== true);
    this.calls = this.calls.filter(
      ({ arrived, answered, sentAt }) => !(arrived && answered) && this.now - sentAt <= CALL_MS,
    );
  }

  private crash(worker: Worker): void {
    const busy = this.calls.some((call) => call.worker === worker && !call.answered);
    this.saw(busy ? 'crash in flight' : 'crash');
    this.note(`crash of ${worker.message.what}`);
    worker.die();
    worker.message.taken = false;
    for (const call of this.calls) if (call.worker === worker) call.answered = true;
  }

  private leaves(call: Call): void {
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
    this.calls.push(call);
  }

  private controlOf({ runId, repository }: { runId: string; repository: string }): Control['status'] {
    const controls = [...(this.table.items.get('control')?.values() ?? [])].map((item) => stateOf('control', item));
    return effectiveControl(controls, { platform: runId.split(':')[0] ?? '', repository });
  }

  /** A request gets there, or its answer gets back, or either is lost. */
  private moveOn(call: Call): void {
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
    if (!call.answered && this.random() < this.faults.lost * 0.3) {
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

  // --- what people and platforms do ---

  private tell(run: ForgeRun): void {
    const facts = factsOf(run);
    const failed = run.jobs.filter(({ of, status }) => of === run.attempt && status === 'failed');
    const causes = new Map(failed.map(({ externalId, cause }) => [externalId, cause]));
    this.send(
      `tell ${facts.run.id} ${facts.run.status}`,
      async ({ store }) => {
        await Promise.all([
          store.merge('run', facts.run as never),
          ...facts.jobs.map(async (job) => {
            await store.merge('job', job as never);
            const cause = job.status === 'failed' ? causes.get(job.externalId ?? '') : undefined;
            if (cause !== undefined) await diagnose(store, job, cause as keyof typeof CAUSES);
          }),
        ]);
        return done;
      },
      this.pick(0, 0, 0, SECOND, 10 * SECOND, MINUTE),
      true,
    );
  }

  private newRun(): void {
    const names = ['build', 'test', 'deploy'].slice(0, this.pick(1, 1, 2, 3));
    const platform = this.pick('github' as const, 'gitlab' as const);
    const repository = this.pick(...REPOSITORIES);
    const older = this.forge.runs.filter((one) => one.platform === platform && one.repository === repository).at(-1);
    const causes = Object.keys(CAUSES);
    const run: ForgeRun = {
      ...{ platform, repository, externalId: this.forge.number(), commit: this.forge.number() },
      ...{ supersededBy: undefined, attempt: 1, status: 'running', changedAt: this.now, jobs: [] },
    };
    for (const name of names) {
      const usual = this.random() < 0.7 ? 'dns-resolution-failed' : this.pick(...causes);
      const cause = this.now < this.outageUntil ? 'registry-server-error' : usual;
      run.jobs.push({ externalId: this.forge.number(), name, attempt: 1, of: 1, status: 'running', cause });
    }
    this.forge.runs.push(run);
    this.forge.end(run, () => this.pick('failed', 'failed', 'succeeded'));
    this.tell(run);
    if (older !== undefined && this.random() < 0.15) {
      const superseded = { ...older, supersededBy: `${platform}:${run.externalId}:1` };
      this.forge.runs[this.forge.runs.indexOf(older)] = superseded;
      this.tell(superseded);
    }
  }

  private endOf(run: ForgeRun): void {
    const down = this.now < this.outageUntil;
    this.forge.end(run, ({ cause }) =>
      down && cause === 'registry-server-error' ? 'failed' : this.pick('succeeded', 'succeeded', 'failed'),
    );
    this.tell(run);
  }

  private personal(): void {
    const run = this.pick(...this.forge.runs);
    if (run === undefined) return;
    if (this.random() < 0.7) {
      if (run.status === 'running' || !this.forge.rerun(run)) return;
    } else if (run.status === 'running') this.forge.end(run, () => 'canceled');
    else return;
    this.saw('a person meddled');
    this.note(`a person: ${run.platform}:${run.externalId} is ${run.status} in attempt ${run.attempt}`);
    this.tell(run);
  }

  private async ask(): Promise<void> {
    const run = this.pick(...this.forge.runs);
    if (run === undefined) return;
    const action = this.pick(...Object.keys(handActions[run.platform] ?? {}));
    const runId = `${run.platform}:${run.externalId}:${this.pick(run.attempt, 1)}`;
    const jobId = `${run.platform}:${run.externalId}:job:${this.pick(...run.jobs).externalId}`;
    const needs = handActions[run.platform]?.[action]?.needs ?? [];
    const parameters = Object.fromEntries(needs.map((name) => [name, 'x']));
    await this.start({
      ...{ what: `ask for ${action} on ${runId}`, visibleAt: this.now, taken: true },
      work: async ({ store }) => {
        await askFor(store, { runId, action, jobId, parameters, by: 'master' });
        return done;
      },
    });
  }

  private async answer(): Promise<void> {
    const asked = this.fixes().filter(({ status }) => status === 'awaiting-approval');
    if (asked.length === 0) return;
    const { id } = this.pick(...asked);
    const answer = this.pick('approve' as const, 'approve' as const, 'refuse' as const);
    await this.start({
      ...{ what: `${answer} ${id}`, visibleAt: this.now, taken: true },
      work: async ({ store }) => {
        await answerApproval(store, id, { answer, by: 'master' });
        return done;
      },
    });
  }

  private async control(): Promise<void> {
    const controls = this.table.items.get('control');
    const held = SCOPES.filter((scope) => (controls?.get(scope)?.status ?? 'running') !== 'running');
    // Most of the time QMOI may act, or there would be nothing to see.
    const release = held.length > 0 && this.random() < 0.85;
    const scope = this.pick(...(release ? held : SCOPES));
    const status = release ? 'running' : this.pick('paused' as const, 'stopped' as const, 'stopped' as const);
    await this.start({
      ...{ what: `${scope} is to be ${status}`, visibleAt: this.now, taken: true },
      work: async (worker) => {
        let control = await setControl(worker.store, scope, { status, actor: 'master' });
        for (let poll = 0; poll < 5 && control.status === 'stopping'; poll++) {
          await worker.turn();
          control = await settleControl(worker.store, control);
        }
        return done;
      },
    });
  }

  private pass(ms: number): void {
    this.now += ms;
    for (const call of this.calls.filter(({ answered, sentAt }) => !answered && this.now - sentAt > CALL_MS)) {
      call.answered = true;
      if (call.worker.alive) call.answer({ kind: 'unknown', reason: 'timed out' });
    }
    if (this.now - this.sweptAt < MINUTE) return;
    this.sweptAt = this.now;
    if (this.messages.some(({ what, taken }) => what === 'sweep' && !taken)) return;
    this.send(
      'sweep',
      async ({ store }) => {
        await sweep(store, { held: false });
        return done;
      },
      0,
      true,
    );
  }

  // --- steps ---

  private async step(): Promise<void> {
    this.steps++;
    const ready = this.workers.filter((worker) => worker.ready);
    // Forges take their time, and more so where nobody waits for them any more.
    const open = this.calls.filter(
      ({ arrived, answered }) => !(arrived && answered) && this.random() < (answered ? 0.05 : 0.3),
    );
    const dice = this.random();
    if (dice < 0.72 && ready.length + open.length > 0) {
      const again = this.last?.ready && this.random() < this.bursts ? this.last : undefined;
      const next = again ?? this.pick<Worker | Call>(...ready, ...open);
      if (next instanceof Worker) {
        this.last = next;
        await next.go();
      } else this.moveOn(next);
    } else if (dice < 0.727 && ready.length + open.length > 0) {
      const worker = this.pick(...this.calls.filter(({ answered }) => !answered))?.worker ?? this.pick(...ready);
      if (worker?.alive) this.crash(worker);
    } else await this.move();
    this.tidy();
  }

  private async move(): Promise<void> {
    const visible = this.visible();
    const dice = this.random();
    const few = this.workers.length < MAX_WORKERS;
    if (few && this.random() < this.nerves) return this.control();
    if (dice < 0.6 && few && visible.length > 0) await this.start(this.pick(...visible));
    else if (dice < 0.75) {
      // Work takes little time as a rule, or no lease would ever last.
      const idle = this.pick(SECOND, 5 * SECOND, 20 * SECOND, MINUTE, this.pick(MINUTE, 10 * MINUTE));
      const busy = this.workers.length > 0 && this.random() < this.pace;
      const most = busy ? this.pick(20, 50, 200, SECOND) : idle;
      this.pass(Math.ceil(this.random() * most));
    } else if (dice < 0.82) {
      if (this.forge.runs.length < 12 || this.random() < 0.2) this.newRun();
    } else if (dice < 0.89) {
      const running = this.forge.runs.filter(({ status }) => status === 'running');
      if (running.length > 0) this.endOf(this.pick(...running));
    } else if (dice < 0.92) this.personal();
    else if (dice < 0.935 && few) await this.ask();
    else if (dice < 0.95 && few) await this.answer();
    else if (dice < 0.995 && few) await this.control();
    else this.outageUntil = this.now + this.pick(5, 30) * MINUTE;
  }

  // --- what must be ---

  private fixes(): Remediation[] {
    return this.table
      .all()
      .filter(({ entity }) => entity === 'remediation')
      .map((item) => stateOf('remediation', item));
  }

  private checkStep(before: Record<string, unknown> | undefined, after: Record<string, unknown>): void {
    const [from, to] = [before?.status, after.status] as [Remediation['status'] | undefined, Remediation['status']];
    const statuses: Record<string, { next: readonly string[] }> = machines.remediation.statuses;
    if (from !== undefined && from !== to && !statuses[from]?.next.includes(to)) {
      this.violated(`${String(after.id)} went from ${from} to ${to}`);
    }
    if (!UNDER_WAY.has(to) || (from !== undefined && UNDER_WAY.has(from))) return;
    const item = stateOf('remediation', after);
    const rival = this.fixes().find((one) => one.id !== item.id && UNDER_WAY.has(one.status) && overlaps(one, item));
    if (rival !== undefined) this.violated(`${item.id} is ${to} while ${rival.id} is ${rival.status}`);
  }

  /** Nobody meddles any more, and some time later nothing goes wrong any more either: everything that was begun ends. */
  private async rest(): Promise<void> {
    await this.drain();
    await this.release();
    for (let minute = 0; minute < 20; minute++) {
      await this.drain();
      this.pass(Math.ceil(this.random() * MINUTE));
    }
    await this.drain();
    this.note('time passes, and nothing goes wrong');
    this.faults = NO_FAULTS;
    this.outageUntil = 0;
    await this.release();
    const until = this.now + TIME_PASSES_MS;
    for (;;) {
      await this.drain();
      const open = this.fixes().filter(
        ({ status }) => machines.remediation.statuses[status].next.length > 0 && !isTerminal(status),
      );
      const running = this.forge.runs.filter(({ status }) => status === 'running');
      for (const run of running) this.endOf(run);
      if (open.length === 0 && running.length === 0 && this.messages.length === 0) break;
      if (this.now > until) {
        this.violated(
          `never ends: ${open.map(({ id, status, reason }) => `${id} is ${status} (${reason})`).join('; ') || this.messages.map(({ what }) => what).join('; ')}`,
        );
        break;
      }
      this.pass(this.untilSomething());
    }
    for (const { status } of this.fixes()) this.saw(`ended ${status}`);
    this.check();
  }

  private async release(): Promise<void> {
    for (const scope of SCOPES) {
      await this.start({
        ...{ what: `${scope} is released`, visibleAt: this.now, taken: true },
        work: async ({ store }) => {
          await setControl(store, scope, { status: 'running', actor: 'master' });
          return done;
        },
      });
    }
  }

  private async drain(): Promise<void> {
    for (;;) {
      const visible = this.workers.length < MAX_WORKERS ? this.visible().slice(0, 2) : [];
      const ready = this.workers.filter((worker) => worker.ready);
      const open = this.calls.filter(({ arrived, answered }) => !(arrived && answered));
      const next = this.pick<Worker | Call | Message | undefined>(...ready, ...open, ...visible);
      if (next === undefined) break;
      this.steps++;
      if (next instanceof Worker) {
        if (this.faults !== NO_FAULTS && this.random() < 0.01) this.crash(next);
        else await next.go();
      } else if (!('request' in next)) await this.start(next);
      else if (this.faults !== NO_FAULTS && !next.answered && this.random() < 0.1) this.crash(next.worker);
      else this.moveOn(next);
      this.tidy();
      this.check();
    }
    this.tidy();
    if (this.workers.length > 0) throw new Violation(`${this.workers[0]?.message.what} waits for nothing`);
  }

  /** As far as the next message or minute, or to whatever is due next. */
  private untilSomething(): number {
    const messages = this.messages.map(({ visibleAt }) => visibleAt);
    const due = this.table
      .all()
      .flatMap(({ wakeAt, entity }) => (entity === 'remediation' && wakeAt ? [Date.parse(String(wakeAt))] : []));
    const next = Math.min(...messages, ...due, this.now + HOUR);
    return Math.max(next - this.now + 1, messages.some((at) => at <= this.now + MINUTE) ? SECOND : MINUTE);
  }
}

const isTerminal = (status: Remediation['status']): boolean => 'terminal' in machines.remediation.statuses[status];

const overlaps = (a: { subject: string; runId: string }, b: { subject: string; runId: string }): boolean =>
  a.runId === b.runId && (a.subject === b.subject || [a.subject, b.subject].includes(a.runId));

async function diagnose(
  store: Store,
  job: { id: string; name?: string | undefined; repository?: string; platform?: string; statusAt?: string },
  cause: keyof typeof CAUSES,
): Promise<void> {
  const { platform = '', repository = '', name = '', statusAt = '' } = job;
  const { category, transient } = CAUSES[cause];
  const fingerprint = `${cause}-${name}`;
  const about = { fingerprint, cause, category, platform, repository, origin: 'live' as const };
  const terms = { cause: 1, blastRadius: 0, environment: 0, recurrence: 0, branch: 0, automation: 0 };
  const incidentId = await attach(store, { ...about, title: cause, terms, seenAt: statusAt });
  await store.merge('failure', {
    ...{ ...about, ...job, jobId: job.id, failedAt: statusAt, incidentId, transient, status: 'diagnosed' },
    ...{
      severity: 'medium',
      priority: 3,
      excerpt: cause === 'registry-server-error' ? '503 https://registry.example.com/x' : '',
    },
  } as never);
}
