import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../../../infra/local/index.ts';

const ROOT = join(import.meta.dirname, '../../../..');

describe('the assembly between starts', () => {
  // Inside the checkout, where the TypeScript loader is found.
  const work = `build/synth-test-${process.pid}`;
  const folder = join(ROOT, work, 'assembly');
  let said: string[];

  const ensure = () =>
    ensureAssembly({
      root: ROOT,
      folder,
      app: `${work}/app.ts`,
      inputs: [`${work}/app.ts`, `${work}/inputs`],
      say: (line) => said.push(line),
    });
  const write = (path: string, text: string) => writeFileSync(join(ROOT, work, path), text);

  beforeEach(() => {
    said = [];
    mkdirSync(join(ROOT, work, 'inputs', 'deep'), { recursive: true });
    write('inputs/deep/a.txt', 'a');
    write(
      'app.ts',
      `import { mkdirSync, writeFileSync } from 'node:fs';
       const out: string = process.env.CDK_OUTDIR ?? '';
       mkdirSync(out, { recursive: true });
       writeFileSync(out + '/made', JSON.stringify({ validation: process.env.CDK_VALIDATION, secret: process.env.QMOI_GITHUB_TOKEN ?? null }));`,
    );
  });
  afterEach(() => rmSync(join(ROOT, work), { recursive: true, force: true }));

  it('is made anew only after a change of what it is made of', async () => {
    process.env.QMOI_GITHUB_TOKEN = 'secret';
    expect(await ensure()).toBe(folder);
    delete process.env.QMOI_GITHUB_TOKEN;
    expect(JSON.parse(readFileSync(join(folder, 'made'), 'utf8'))).toEqual({ validation: 'false', secret: null });
    await ensure();
    expect(said).toHaveLength(1);
    write('inputs/deep/a.txt', 'b');
    await ensure();
    write('inputs/deep/b.txt', '');
    await ensure();
    expect(said).toHaveLength(3);
    expect(readdirSync(join(ROOT, work)).sort()).toEqual(['app.ts', 'assembly', 'inputs']);
  });

  it('is left as it was when the app fails, whose own words are passed on', async () => {
    await ensure();
    write('app.ts', `throw new Error('qmoi.config.yaml:3: color: there is no such setting');`);
    await expect(ensure()).rejects.toThrow(
      /^The template could not be built \(exit code 1\):\n.*Error: qmoi\.config\.yaml:3: color: there is no such setting$/,
    );
    expect(existsSync(join(folder, 'made'))).toBe(true);
  });
});
