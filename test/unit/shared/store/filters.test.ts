import { describe, expect, it } from 'vitest';
import { ENTITIES } from '../../../../shared/model/index.ts';
import { filtersOf, readCursor, writeCursor } from '../../../../shared/store/filters.ts';
import { QueryError, readListQuery } from '../../../../shared/store/index.ts';

const read = (text: string, entity: (typeof ENTITIES)[number] = 'failure') =>
  readListQuery(new URLSearchParams(text), filtersOf(entity));

describe('filters', () => {
  it('are every enumerated field and the names that items are looked up by', () => {
    expect(Object.keys(filtersOf('failure'))).toEqual(
      expect.arrayContaining([
        'status',
        'origin',
        'category',
        'severity',
        'transient',
        'priority',
        'platform',
        'repository',
        'runId',
        'jobId',
        'incidentId',
        'externalId',
      ]),
    );
    for (const entity of ENTITIES) expect(filtersOf(entity).status?.values?.length).toBeGreaterThan(1);
    expect(filtersOf('failure').transient?.values).toEqual(['true', 'false', 'null']);
    expect(filtersOf('runner').kind?.values).toEqual(['hosted', 'self-hosted']);
    expect(filtersOf('job').allowFailure?.values).toEqual(['true', 'false']);
  });

  it('take several values of an enumeration, listed or repeated, and names with commas as they are', () => {
    const query = read('severity=high,critical&severity=low&repository=acme/a,b&repository=acme/c');
    expect(query.filters).toEqual({ severity: ['high', 'critical', 'low'], repository: ['acme/a,b', 'acme/c'] });
  });

  it.each([
    ['colour=red', /no filter "colour".*category.*severity/],
    ['__proto__=x', /no filter/],
    ['wakeAt=x', /no filter/],
    ['severity=urgent', /severity is one of low, medium, high, critical/],
    ['severity=', /severity is one of/],
    ['transient=maybe', /transient is one of true, false, null/],
    ['priority=6', /priority is one of 1, 2/],
    ['repository=', /repository is empty/],
    [`repository=${'ä'.repeat(300)}`, /more than 512 bytes/],
    [Array.from({ length: 21 }, (_, n) => `runId=${n}`).join('&'), /at most 20/],
    ['limit=0', /1 to 200/],
    ['limit=201', /1 to 200/],
    ['limit=1.5', /1 to 200/],
    ['limit=', /1 to 200/],
    ['limit=5&limit=6', /more than once/],
    ['since=yesterday', /RFC 3339/],
    ['since=2026-02-30T00:00:00Z', /RFC 3339/],
    ['until=2026-01-01', /RFC 3339/],
    ['until=2026-01-01T00:00:00', /RFC 3339/],
  ])('refuse %s', (text, why) => {
    expect(() => read(text)).toThrow(QueryError);
    expect(() => read(text)).toThrow(why);
  });

  it('show 50 items unless told otherwise', () => {
    expect(read('')).toEqual({ filters: {}, limit: 50 });
    expect(read('limit=200').limit).toBe(200);
  });

  it('bring times to UTC milliseconds, an unencoded offset too', () => {
    expect(read('since=2026-01-01T02:00:00%2B02:00').since).toBe('2026-01-01T00:00:00.000Z');
    expect(read('since=2026-01-01T02:00:00+02:00').since).toBe('2026-01-01T00:00:00.000Z');
    expect(read('until=2026-01-01t00:00:00.0001z').until).toBe('2026-01-01T00:00:00.001Z');
    expect(read('until=2026-01-01T00:00:00.123000Z').until).toBe('2026-01-01T00:00:00.123Z');
  });
});

describe('a cursor', () => {
  it('goes on with the same question, in whatever order it is asked', () => {
    const asked = read('severity=high,low&runId=github:1:1&limit=5');
    const cursor = writeCursor('failure', asked, 'here');
    expect(readCursor('failure', read(`runId=github:1:1&severity=low&severity=high&cursor=${cursor}`))).toBe('here');
  });

  it.each([
    ['severity=high', 'failure'],
    ['severity=low&since=2026-01-01T00:00:00Z', 'failure'],
    ['severity=low', 'incident'],
    ['', 'failure'],
  ] as const)('is none of %j of %s', (text, entity) => {
    const cursor = writeCursor('failure', read('severity=low'), 'here');
    expect(() => readCursor(entity, read(`${text}&cursor=${cursor}`, entity))).toThrow(QueryError);
  });

  it.each(['', 'x', 'e30', 'bnVsbA', Buffer.from('{"v":0,"q":"","p":"a"}').toString('base64url')])(
    'is not %j',
    (cursor) => {
      expect(() => readCursor('failure', read(`cursor=${cursor}`))).toThrow(QueryError);
    },
  );
});
