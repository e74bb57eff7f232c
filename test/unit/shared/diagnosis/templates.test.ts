import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskedTokens, readLines, TemplateMiner } from '../../../../shared/diagnosis/templates/index.ts';

const masked = (line: string) => maskedTokens(line).join(' ');

function mine(lines: readonly string[], miner = new TemplateMiner()) {
  const shapes = lines.map((line) => miner.learn(line));
  return shapes.map((shape) => miner.templateOf(shape));
}
const groups = (lines: readonly string[]) => mine(lines).map(({ id }, _, all) => all.findIndex((one) => one.id === id));

describe('masking', () => {
  it.each([
    ['numbers and units', 'Took 12.5 seconds to copy 3 MB', 'Took <*> to copy <*>'],
    ['paths', 'cannot open /var/lib/a b', 'cannot open <*> b'],
    ['paths with backslashes', 'Core: C:\\Windows\\servicing\\cbscore.dll', 'Core: <*>'],
    ['addresses', 'GET https://example.org/a?b=c failed', 'GET <*> failed'],
    [
      'hosts, with and without a port',
      'no route from build.example.org to db.example.org:5432',
      'no route from <*> to <*>',
    ],
    ['hardware and IPv6 addresses', 'from 00:11:43:e3:ba:c3 via (fe80::1:2:3)', 'from <*> via (<*>)'],
    ['dates', 'at Fri Jun 17 07:07:00 2005', 'at <*>'],
    ['lists of any length', 'delete blk_1 blk_2 blk_3', 'delete <*>'],
    ['lists of several values each', 'nodes a-1 0x1f <ok> a-2 0x2f <ok> a-3 0x3f <ok>', 'nodes <*> <ok>'],
    ['mail', 'sent to jane@example.org', 'sent to <*>'],
    ['truth values of a key', 'visible=true moved= false', 'visible=<*> moved= <*>'],
    ['quoted values of several words', 'lock=1, tag="View Lock", ws=null', 'lock=<*>, tag="<*>", ws=<*>'],
  ])('knows %s', (_, line, template) => expect(masked(line)).toBe(template));

  it.each([
    ['a message in quotes', 'level=info msg="image pull failed"', 'level=info msg="image pull failed"'],
    ['a file name of two letters', 'reading index.js now', 'reading index.js now'],
    ['words with a slash', 'tree/torus link', 'tree/torus link'],
    ['exceptions', 'java.net.NoRouteToHostException: no route', 'java.net.NoRouteToHostException: no route'],
  ])('keeps %s', (_, line, template) => expect(masked(line)).toBe(template));

  it.each([
    ['a log framework', '2015-10-18 18:01:47,978 INFO [main] org.apache.hadoop.App: Created the app'],
    ['syslog', 'Jun 14 15:16:01 combo sshd(pam_unix)[19939]: Created the app'],
    [
      'syslog in a journal',
      '- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond(pam_unix)[2915]: Created the app',
    ],
    ['a level in brackets', '[Sun Dec 04 04:47:44 2005] [error] Created the app'],
  ])('leaves out the header of %s', (_, line) => expect(masked(line)).toBe('Created the app'));
});

describe('mining', () => {
  it('gives lines that differ in values one template, and different messages two', () => {
    expect(
      groups(['Served block blk_1 to /10.0.0.1', 'Served block blk_22 to /10.0.0.2', 'Served file f_1 to /10.0.0.1']),
    ).toEqual([0, 0, 2]);
  });

  it('takes names for values where there are several, and opposites for different messages', () => {
    const lines = ['root', 'news', 'test'].flatMap((user) => [
      `session opened for user ${user}`,
      `session closed for user ${user}`,
    ]);
    expect(groups(lines)).toEqual([0, 1, 0, 1, 0, 1]);
    expect(mine(lines)[0]?.text).toBe('session opened for user <*>');
  });

  it('gives the same id wherever and whenever the lines came from', () => {
    const [a] = mine([
      '2024-01-01T00:00:00Z could not fetch https://a.example.org/x.tgz: 503 after 12 s in /home/ci/1',
    ]);
    const [b] = mine([
      '2025-07-09T11:22:33Z could not fetch https://b.example.net/y.tgz: 502 after 3 s in /builds/77/x',
    ]);
    expect(b).toEqual(a);
  });

  it('comes to the same templates in whatever order the lines come', () => {
    const words = fc.constantFrom('open', 'close', 'job', 'user', 'for', 'a', 'bb', '12', '/a/b', 'x=1', 'x=true');
    const line = fc.array(words, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(' '));
    fc.assert(
      fc.property(fc.uniqueArray(line, { minLength: 2, maxLength: 40 }), (lines) => {
        const forward = new Map(lines.map((text, at) => [text, mine(lines)[at]?.text]));
        const backward = [...lines].reverse();
        const found = mine(backward);
        for (const [at, text] of backward.entries()) expect(found[at]?.text).toBe(forward.get(text));
      }),
      { numRuns: 100 },
    );
  });

  it('keeps the id of a template that becomes more general', () => {
    const miner = new TemplateMiner();
    const first = miner.learn('session opened for user root');
    const { id } = miner.templateOf(first);
    for (const user of ['news', 'test', 'git']) miner.learn(`session opened for user ${user}`);
    expect(miner.templateOf(first)).toEqual({ id, text: 'session opened for user <*>' });
  });

  it('is bounded, and lines it has forgotten keep the template they had', () => {
    const miner = new TemplateMiner({ maxShapes: 40 });
    const letters = (n: number) => n.toString(2).replaceAll('0', 'x').replaceAll('1', 'y');
    const kept = miner.learn('could not reach the registry');
    const { id } = miner.templateOf(kept);
    for (let n = 0; n < 2_000; n++)
      miner.learn(`${letters(n)} ${letters(n * 7)} ${letters(n * 3)} ${letters(n * 5)} z`);
    const shapes = miner.changes().flatMap((state) => state.shapes);
    expect(shapes.length).toBeLessThanOrEqual(40);
    expect(miner.templateOf(kept).id).toBe(id);
  });
});

describe('state', () => {
  const users = ['root', 'news', 'test', 'git'].map((user) => `session opened for user ${user}`);

  it('carries ids over to another miner', () => {
    const first = new TemplateMiner();
    const [alone] = mine(users.slice(0, 1), first);
    mine(users, first);
    const second = new TemplateMiner();
    for (const state of first.changes()) second.absorb(JSON.parse(JSON.stringify(state)));
    expect(mine(['session opened for user postgres'], second)[0]?.id).toBe(alone?.id);
  });

  it('is written only where something is new', () => {
    const miner = new TemplateMiner();
    mine([...users, 'disk full'], miner);
    expect(
      miner
        .changes()
        .map(({ length }) => length)
        .sort(),
    ).toEqual([2, 5]);
    mine([...users, 'disk full'], miner);
    expect(miner.changes()).toEqual([]);
    mine(['disk quite full'], miner);
    expect(miner.changes().map(({ length }) => length)).toEqual([3]);
  });

  it('may be absorbed twice, and in either order', () => {
    const states = [users.slice(0, 3), [...users.slice(2), 'a b c d e']].map((lines) => {
      const miner = new TemplateMiner();
      mine(lines, miner);
      return miner.changes()[0];
    });
    const known = (order: readonly number[]) => {
      const miner = new TemplateMiner();
      for (const at of order) if (states[at]) miner.absorb(states[at]);
      return miner
        .changes()
        .flatMap(({ shapes }) => shapes.map(({ text, seen, id }) => `${text} ${seen} ${id}`))
        .sort();
    };
    expect(known([0, 1, 1, 0])).toEqual(known([0, 1]));
    expect(known([1, 0])).toEqual(known([0, 1]));
    expect(known([0, 1])).toHaveLength(5);
  });
});

describe('reading lines', () => {
  const collect = async (chunks: readonly Uint8Array[]) => {
    const lines: string[] = [];
    for await (const line of readLines(chunks)) lines.push(line);
    return lines;
  };

  it('splits on CRLF, LF and CR wherever the chunks are cut, and drops terminal escapes', async () => {
    const bytes = Buffer.from('\u001b[31mä\u001b[0m\r\nb\rc\n\nd');
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(await collect([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(['ä', 'b', 'c', '', 'd']);
    }
  });

  it('cuts a line without an end', async () => {
    const part = Buffer.alloc(60_000, 'x');
    const lines = await collect([part, part, part, part, Buffer.from('\nnext')]);
    expect(lines.map((line) => line.length <= 2 * 64 * 1024)).toEqual([true, true]);
    expect(lines[1]).toBe('next');
  });
});

describe('hostile lines', () => {
  const LINES = [
    '.',
    ',',
    '<',
    '<*>-',
    '=',
    '"',
    '(',
    ':',
    'a.',
    '/',
    'a@',
    '-',
    ' 1',
    'k="',
    '9:',
    'ab:',
    '~<',
    'A',
    '[x',
    'key= true,',
  ];

  it.each(LINES)('of %j are masked, however long', (piece) => {
    for (const end of ['', 'x', '1']) {
      const line = `${piece.repeat(20_000)}${end}`;
      const tokens = maskedTokens(line);
      expect(tokens.length).toBeLessThanOrEqual(96);
      expect(tokens.join(' ').length).toBeLessThanOrEqual(3 * 4096);
    }
  });
});
