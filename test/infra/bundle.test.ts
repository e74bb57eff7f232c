import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleFunctions } from '../../infra/aws/bundle.ts';

// Below the checkout, as build/ is: the nearest package.json says "module" there, and packages are found.
const root = resolve('build');
let work: string;
beforeAll(() => {
  mkdirSync(root, { recursive: true });
  work = mkdtempSync(join(root, 'test-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

function functionsOf(handlers: Record<string, string>): string {
  const folder = mkdtempSync(join(work, 'functions-'));
  for (const [name, code] of Object.entries(handlers)) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'handler.ts'), code);
  }
  mkdirSync(join(folder, 'without-a-handler'));
  return folder;
}

describe('bundling', () => {
  it('makes a CommonJS bundle of each function that names its TypeScript source in the map', async () => {
    const functions = functionsOf({
      one: "export const handler = async (): Promise<string> => 'one';",
      two: "import * as z from 'zod/mini'; export const handler = async () => z.string().safeParse(2).error?.issues.length;",
    });
    const out = join(work, 'out');
    await bundleFunctions({ functions, out });

    expect(readdirSync(out).sort()).toEqual(['meta.json', 'one', 'two']);
    const load = createRequire(import.meta.url);
    expect(await load(join(out, 'one/index.js')).handler()).toBe('one');
    expect(await load(join(out, 'two/index.js')).handler()).toBe(1);
    expect(readFileSync(join(out, 'one/index.js'), 'utf8')).toMatch(/\/\/# sourceMappingURL=index\.js\.map\s*$/);
    const map = JSON.parse(readFileSync(join(out, 'one/index.js.map'), 'utf8'));
    expect(map.sources).toEqual([expect.stringMatching(/one\/handler\.ts$/)]);
    expect(map).not.toHaveProperty('sourcesContent');
  });

  it('makes the same bytes of the same sources', async () => {
    const functions = functionsOf({ same: "export const handler = async () => 'same';" });
    const [first, second] = [join(work, 'first'), join(work, 'second')];
    await bundleFunctions({ functions, out: first });
    await bundleFunctions({ functions, out: second });
    expect(readFileSync(join(second, 'same/index.js'))).toEqual(readFileSync(join(first, 'same/index.js')));
  });

  it('removes what an earlier run has left', async () => {
    const out = join(work, 'again');
    await bundleFunctions({ functions: functionsOf({ old: 'export const handler = () => 0;' }), out });
    await bundleFunctions({ functions: functionsOf({ fresh: 'export const handler = () => 0;' }), out });
    expect(existsSync(join(out, 'old'))).toBe(false);
    expect(existsSync(join(out, 'fresh/index.js'))).toBe(true);
  });
});

describe("QMOI's own bundles", () => {
  it('hold neither the locales of zod nor the YAML parser, and stay small', async () => {
    const metafile = await bundleFunctions({ functions: resolve('functions'), out: join(work, 'own') });
    for (const [file, { bytes, inputs }] of Object.entries(metafile.outputs)) {
      if (file.endsWith('.map')) continue;
      const held = Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
      const unwanted = held.filter(([path]) => /\/zod\/v4\/locales\/(?!index|en)|node_modules\/yaml\//.test(path));
      expect(unwanted, file).toEqual([]);
      expect(bytes, file).toBeLessThan(2_000_000);
    }
  });
});
