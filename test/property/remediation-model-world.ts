import { sweep } from '../../functions/wake/wake.ts';
import { machines, type Remediation } from '../../shared/model/index.ts';
import {
  answerApproval,
  askFor,
  askForRollback,
  handActions,
  setControl,
  settleControl,
} from '../../shared/remediation/index.ts';
import { done } from '../../shared/runtime/rest.ts';
import type { Store } from '../../shared/store/index.ts';
import { CAUSES, diagnose, type ForgeRun, factsOf, isRerun } from './remediation-model-forge.ts';
import { lasts } from './remediation-model-invariants.ts';
import { HOUR, Machinery, MINUTE, SECOND, Violation } from './remediation-model-machinery.ts';
import { CALL_MS, type Call, type Message, NO_FAULTS, Worker } from './remediation-model-workers.ts';

/** The world around QMOI: runs fail, people meddle, workers die and answers get lost, in an order that the dice decide. */

const MAX_WORKERS = 5;
/** Far more turns than what is owed at one moment takes. */
const RESTLESS = 100_000;
/** The longest anything is waited for: newer work, for a day; a rerun, for six hours. */
const TIME_PASSES_MS = 60 * HOUR;

const REPOSITORIES = ['acme/shop', 'acme/web'] as const;
const SCOPES = ['all', 'platform:github', 'repository:acme/shop'] as const;
export class World extends Machinery {
  private outageUntil = 0;
  private sweptAt = this.now;
  /** How often the master changes the controls, beyond what is usual. */
  private readonly nerves = this.pick(0, 0.1, 0.4);
  /** How often whoever was at work last goes on: others then come far between two of its calls, or not at all. */
  private readonly bursts = this.pick(0, 0.8, 0.95);
  /** How often time stands nearly still while somebody works. */
  private readonly pace = this.pick(0.97, 0.8);

  /** Takes steps at random, then lets time pass until everything has ended. Throws `Violation`. */
  async live(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      await this.step();
      this.check();
    }
    await this.rest();
  }

  protected override tell(run: ForgeRun): void {
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
    const names = ['build', 'test', 'deploy'].slice(0, this.pick(1, this.patient ? 3 : 1, 2, 3));
    const platform = this.pick('github' as const, 'gitlab' as const);
    const repository = this.pick(...REPOSITORIES);
    const older = this.forge.runs.filter((one) => one.platform === platform && one.repository === repository).at(-1);
    const causes = Object.keys(CAUSES);
    const run: ForgeRun = {
      ...{ platform, repository, externalId: this.forge.number(), commit: this.forge.number() },
      ...{ supersededBy: undefined, attempt: 1, status: 'running', changedAt: this.now, jobs: [] },
    };
    for (const name of names) {
      const usual = this.random() < (this.patient ? 0.95 : 0.7) ? 'dns-resolution-failed' : this.pick(...causes);
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

  /** What the master asks of the API, once: nobody repeats it when the API dies. */
  private async asks(what: string, work: (store: Store) => Promise<unknown>): Promise<void> {
    await this.start({
      ...{ what, visibleAt: this.now, taken: true },
      work: async ({ store }) => {
        await work(store);
        return done;
      },
    });
  }

  private async ask(): Promise<void> {
    const run = this.pick(...this.forge.runs);
    if (run === undefined) return;
    const traits = Object.entries(handActions[run.platform] ?? {});
    const kind = this.pick(
      () => true,
      ([name]: (typeof traits)[number]) => isRerun({ action: name }),
      ([, { inverse }]: (typeof traits)[number]) => inverse !== undefined,
    );
    const [action, { needs = [] }] = this.pick(...traits.filter(kind));
    const runId = `${run.platform}:${run.externalId}:${this.pick(run.attempt, 1)}`;
    const jobId = `${run.platform}:${run.externalId}:job:${this.pick(...run.jobs).externalId}`;
    const parameters = Object.fromEntries(needs.map((name) => [name, 'x']));
    const lastsHours = handActions[run.platform]?.[action]?.inverse ? this.pick(undefined, 0.02, 0.2) : undefined;
    await this.asks(`ask for ${action} on ${runId}`, (store) =>
      askFor(store, { runId, action, jobId, parameters, by: 'master', lastsHours }),
    );
  }

  private async answer(): Promise<void> {
    const asked = this.fixes().filter(({ status }) => status === 'awaiting-approval');
    if (asked.length === 0) return;
    const { id } = this.pick(...asked);
    const answer = this.pick('approve' as const, 'approve' as const, 'refuse' as const);
    await this.asks(`${answer} ${id}`, (store) => answerApproval(store, id, { answer, by: 'master' }));
  }

  private async takeBack(): Promise<void> {
    const over = this.fixes().filter(({ status }) => status === 'succeeded' || status === 'failed');
    const able = over.filter(({ platform, action }) => handActions[platform]?.[action]?.inverse !== undefined);
    if (able.length === 0) return;
    const { id } = this.pick(...able);
    this.saw('asked to take back');
    await this.asks(`take back ${id}`, (store) => askForRollback(store, id, { by: 'master' }));
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

  private async step(): Promise<void> {
    this.steps++;
    const ready = this.workers.filter((worker) => worker.ready);
    const open = this.open(0.3);
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

  /** Requests that move on now, with this chance; those that nobody waits for any more come when they come least well. */
  private open(chance: number): Call[] {
    const late = (call: Call): number => (this.controlOf(call.request) === 'stopped' ? 0.5 : 0.01);
    return this.calls.filter(
      (call) => !(call.arrived && call.answered) && this.random() < (call.answered ? late(call) : chance),
    );
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
    else if (dice < 0.94 && few) await this.ask();
    else if (dice < 0.96 && few) await (this.random() < 0.4 ? this.answer() : this.takeBack());
    else if (dice < 0.995 && few) await this.control();
    else this.outageUntil = this.now + this.pick(5, 30) * MINUTE;
  }

  /** Nobody meddles any more, and some time later nothing goes wrong any more either: everything that was begun ends. */
  private async rest(): Promise<void> {
    await this.drain();
    await this.release();
    for (let pause = 0; pause < 30; pause++) {
      await this.drain();
      this.pass(Math.ceil(this.random() * this.pick(3 * SECOND, 8 * SECOND, MINUTE)));
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
        (fix) => lasts(fix) || (machines.remediation.statuses[fix.status].next.length > 0 && !isTerminal(fix.status)),
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
      await this.asks(`release ${scope}`, (store) => setControl(store, scope, { status: 'running', actor: 'master' }));
    }
  }

  private async drain(): Promise<void> {
    for (let turns = 0; ; turns++) {
      if (turns > RESTLESS) throw new Violation(`never comes to rest: ${this.messages[0]?.what}`);
      const visible = this.workers.length < MAX_WORKERS ? this.visible().slice(0, 2) : [];
      const ready = this.workers.filter((worker) => worker.ready);
      const open = this.open(1);
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
