import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../../shared/runtime/json.ts';

describe('parseJson', () => {
  it('replaces half a character, wherever it stands, and nothing else', () => {
    expect(parseJson('{"a":"x\\ud800y","b":["\\uDC00"],"c":"\\ud83d\\ude00 \\u00e4 \u{1F600}","d":1}')).toEqual({
      a: 'x\uFFFDy',
      b: ['\uFFFD'],
      c: '\u{1F600} ä \u{1F600}',
      d: 1,
    });
  });

  it('refuses what is no JSON', () => {
    expect(() => parseJson('{')).toThrow(SyntaxError);
  });
});
