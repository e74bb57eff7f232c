import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Journal, type LogState, openJournal } from '../../../../infra/local/journal.ts';

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'qmoi-journal-'));
  file = join(directory, 'journal');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A map under set and delete: small, and its snapshot differs from its history. */
class Entries implements LogState<{ k: string; v?: string }> {
  readonly map = new Map<string, string>();
  apply({ k, v }: { k: string; v?: string }): void {
    if (v === undefined) this.map.delete(k);
    else this.map.set(k, v);
  }
  *snapshot(): Iterable<{ k: string; v?: string }> {
    for (const [k, v] of this.map) yield { k, v };
  }
}

function reopened(name = 'entries'): Map<string, string> {
  const journal = openJournal(file);
  const entries = new Entries();
  journal.log(name, entries);
  journal.close();
  return entries.map;
}

describe('the journal', () => {
  it('gives back what was appended, each log its own', async () => {
    const journal = openJournal(file);
    const one = journal.log('one', new Entries());
    const two = journal.log('two', new Entries());
    one.append({ k: 'a', v: '1' });
    two.append({ k: 'a', v: 'line\nbreak "quoted" ✓' });
    one.append({ k: 'b', v: '2' });
    one.append({ k: 'a' });
    await journal.flushed();
    journal.close();
    expect(reopened('one')).toEqual(new Map([['b', '2']]));
    expect(reopened('two')).toEqual(new Map([['a', 'line\nbreak "quoted" ✓']]));
  });

  it('has what flushed() answered for in the file without being closed', async () => {
    const journal = openJournal(file);
    const log = journal.log('entries', new Entries());
    log.append({ k: 'a', v: '1' });
    expect(readFileSync(file, 'utf8')).toBe('');
    await journal.flushed();
    expect(readFileSync(file, 'utf8')).toBe('["entries",{"k":"a","v":"1"}]\n');
    journal.close();
  });

  it('refuses a log opened twice and an append after the end', () => {
    const journal = openJournal(file);
    const log = journal.log('entries', new Entries());
    expect(() => journal.log('entries', new Entries())).toThrow('already open');
    journal.close();
    expect(() => log.append({ k: 'a', v: '1' })).toThrow('closed');
  });

  it('keeps a prefix of the history when the file ends anywhere', () => {
    const writer = openJournal(file);
    const log = writer.log('entries', new Entries());
    const states = [new Map<string, string>()];
    const model = new Entries();
    for (let i = 0; i < 12; i++) {
      const event = i % 4 === 3 ? { k: `k${i - 1}` } : { k: `k${i}`, v: 'ü'.repeat(i) };
      log.append(event);
      model.apply(event);
      states.push(new Map(model.map));
    }
    writer.close();
    const bytes = readFileSync(file);
    for (let length = 0; length <= bytes.length; length++) {
      writeFileSync(file, bytes.subarray(0, length));
      const whole = bytes.subarray(0, length).filter((byte) => byte === 0x0a).length;
      expect(reopened()).toEqual(states[whole]);
    }
  });

  it('continues behind a torn line', () => {
    writeFileSync(file, '["entries",{"k":"a","v":"1"}]\n["entries",{"k":"b","v":');
    const journal = openJournal(file);
    journal.log('entries', new Entries()).append({ k: 'c', v: '3' });
    journal.close();
    expect(reopened()).toEqual(new Map(Object.entries({ a: '1', c: '3' })));
  });

  it('refuses damage that is not a torn tail', () => {
    writeFileSync(file, '["entries",{"k":"a","v":"1"}]\n\0\0\0\n["entries",{"k":"b","v":"2"}]\n');
    expect(() => openJournal(file)).toThrow('damaged at byte 30');
    writeFileSync(file, '["entries",{"k":"a","v":"1"}]\n\0\0\0\n');
    expect(reopened()).toEqual(new Map([['a', '1']]));
  });

  it('compacts to the snapshots, keeping logs that nobody opened and what was still queued', async () => {
    const journal = openJournal(file, { compactAbove: 2_000 });
    const log = journal.log('entries', new Entries());
    journal.log('strangers', new Entries()).append({ k: 'x', v: 'y' });
    await journal.flushed();
    journal.close();

    const second = openJournal(file, { compactAbove: 2_000 });
    const entries = new Entries();
    const again = second.log('entries', entries);
    for (let i = 0; i < 200; i++) {
      again.append({ k: 'same', v: `${i}` });
      await second.flushed();
    }
    expect(statSync(file).size).toBeLessThan(2_100);
    again.append({ k: 'queued', v: 'q' });
    second.compact();
    again.append({ k: 'after', v: 'a' });
    second.close();
    expect(reopened()).toEqual(new Map(Object.entries({ same: '199', queued: 'q', after: 'a' })));
    expect(reopened('strangers')).toEqual(new Map([['x', 'y']]));
    expect(() => log.append({ k: 'a', v: '1' })).toThrow();
  });

  it('ignores a compaction that was cut off', () => {
    writeFileSync(file, '["entries",{"k":"a","v":"1"}]\n');
    writeFileSync(`${file}.compacting`, '["entries",{"k":"zzz","v":"1"}]\n');
    const journal = openJournal(file);
    const log = journal.log('entries', new Entries());
    journal.compact();
    log.append({ k: 'b', v: '2' });
    journal.close();
    expect(reopened()).toEqual(new Map(Object.entries({ a: '1', b: '2' })));
  });

  it('holds under any mix of appends, compactions and reopening', async () => {
    const step = fc.oneof(
      fc.record({
        op: fc.constant('put' as const),
        k: fc.constantFrom('a', 'b', 'c'),
        v: fc.option(fc.string(), { nil: undefined }),
      }),
      fc.constant({ op: 'compact' as const }),
      fc.constant({ op: 'reopen' as const }),
      fc.constant({ op: 'tear' as const }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        rmSync(file, { force: true });
        const model = new Entries();
        let entries = new Entries();
        let journal: Journal = openJournal(file, { compactAbove: 200 });
        let log = journal.log('entries', entries);
        for (const s of steps) {
          if (s.op === 'put') {
            log.append({ k: s.k, v: s.v });
            model.apply({ k: s.k, v: s.v });
          } else if (s.op === 'compact') journal.compact();
          else {
            journal.close();
            if (s.op === 'tear') appendFileSync(file, '["entries",{"k":"torn"');
            journal = openJournal(file, { compactAbove: 200 });
            entries = new Entries();
            log = journal.log('entries', entries);
          }
          expect(entries.map).toEqual(model.map);
        }
        journal.close();
      }),
      { numRuns: 60 },
    );
  });

  it('loses nothing it acknowledged when the process is killed', async () => {
    for (let round = 0; round < 3; round++) {
      rmSync(file, { force: true });
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', join(import.meta.dirname, '../../../support/journal-writer.ts'), file],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      let told = '';
      await new Promise<void>((resolve) => {
        child.stdout.on('data', (data: Buffer) => {
          told += data.toString();
          if (told.length > 2_000 * (round + 1)) child.kill('SIGKILL');
        });
        child.on('close', () => resolve());
      });
      const acknowledged = Number(told.slice(0, told.lastIndexOf('\n')).split('\n').at(-1));
      const kept = reopened();
      expect(acknowledged).toBeGreaterThan(100);
      for (let i = 0; i <= acknowledged; i++) expect(kept.get(`k${i}`)).toBe(`${i}`);
    }
  });
});
