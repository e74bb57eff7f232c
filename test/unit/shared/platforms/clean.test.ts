import { describe, expect, it } from 'vitest';
import { cut, linkOf, nameOf, present, timeOf } from '../../../../shared/platforms/clean.ts';

describe('what comes in is cleaned', () => {
  it.each([
    ['2016-08-12 15:23:28 UTC', '2016-08-12T15:23:28.000Z'],
    ['2016-08-12 17:23:28 +0200', '2016-08-12T15:23:28.000Z'],
    ['2016-08-12T17:23:28+02:00', '2016-08-12T15:23:28.000Z'],
    ['2021-02-23T02:41:37.886Z', '2021-02-23T02:41:37.886Z'],
    ['2021-02-23T02:41:37.886123Z', '2021-02-23T02:41:37.886Z'],
    ['2021-02-23T02:41:37', '2021-02-23T02:41:37.000Z'],
    ['yesterday', undefined],
    ['0001-01-01T00:00:00Z', undefined],
    ['9999-12-31T23:59:59Z', undefined],
    ['2021-02-31T25:00:00Z', undefined],
    ['5', undefined],
    ['', undefined],
    [null, undefined],
  ])('the time %s is %s', (text, expected) => {
    expect(timeOf(text)).toBe(expected);
  });

  it.each([
    ['https://example.com/a?b#c', true],
    ['http://example.com', true],
    ['javascript:alert(1)', false],
    ['data:text/html,x', false],
    ['//example.com', false],
    [`https://example.com/${'a'.repeat(2048)}`, false],
    [undefined, false],
  ])('the address %s is a link: %s', (text, expected) => {
    expect(linkOf(text) !== undefined).toBe(expected);
  });

  it('names end at their limit, and never within a character', () => {
    expect(cut('abc', 3)).toBe('abc');
    expect(cut('abcd', 3)).toBe('abc');
    expect(cut('ab😀', 3)).toBe('ab');
    expect(nameOf('  main ')).toBe('main');
    expect(nameOf(' ')).toBeUndefined();
  });

  it('names and links hold no secrets, not even half of one at their end', () => {
    const token = `ghp_${'aB3d'.repeat(9)}`;
    expect(nameOf(`deploy --token ${token}`)).toBe('deploy --token [redacted]');
    expect(nameOf(`${'x'.repeat(240)} ${token}`)).not.toContain('ghp_');
    expect(linkOf(`https://ci:${token}@example.com/a`)).toBe('https://[redacted]@example.com/a');
    for (const name of [
      'main',
      'build (node 20, ubuntu-24.04)',
      'release/1.2',
      '1f2e3d4c5b6a79880123456789abcdef01234567',
    ])
      expect(nameOf(name)).toBe(name);
  });

  it('what is absent is not there', () => {
    expect(Object.keys(present({ a: undefined, b: null, c: 0 }))).toEqual(['b', 'c']);
  });
});
