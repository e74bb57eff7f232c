import { expect, it } from 'vitest';
import { platforms } from '../../../../shared/platforms/index.ts';
import { PLATFORM_NAMES } from '../../../../shared/platforms/names.ts';

it('every platform can be stopped, and found by its own ids, as its name is known apart from its adapter', () => {
  expect(PLATFORM_NAMES).toEqual(expect.arrayContaining(Object.keys(platforms)));
});
