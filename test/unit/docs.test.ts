import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { documents } from '../../scripts/render-docs.ts';

it.each(Object.entries(documents))('%s says what the code says (npm run docs)', (file, render) => {
  expect(readFileSync(file, 'utf8')).toBe(render());
});
