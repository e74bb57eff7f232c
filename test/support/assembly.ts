import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDataDir } from '../../infra/local/data-dir.ts';
import { ensureAssembly } from '../../infra/local/index.ts';
import type { Template } from '../infra/support/template.ts';

/** The one synthesized assembly that all end-to-end tests boot from. */

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const CACHE = join(root, 'build/e2e');
const TEMPLATE = 'Qmoi.template.json';
const SYNTH_PATIENCE_MS = 180_000;

let assembly: Promise<string> | undefined;

/** The folder of the assembly that all test files share: synthesized once per change, by whichever process comes first. */
export function sharedAssembly(): Promise<string> {
  assembly ??= synthesizeOnce();
  return assembly;
}

async function synthesizeOnce(): Promise<string> {
  const lock = await openDataDir(CACHE, SYNTH_PATIENCE_MS);
  try {
    const newest = await ensureAssembly({ root, folder: join(CACHE, 'newest'), say: () => undefined });
    // Under the name of what it was made of: a host of another process may still load bundles when the sources change.
    const stamp = readFileSync(join(newest, 'qmoi-inputs'), 'utf8').slice(0, 16);
    const kept = join(CACHE, stamp);
    if (!existsSync(kept)) {
      cpSync(newest, `${kept}.new`, { recursive: true });
      renameSync(`${kept}.new`, kept);
    }
    return kept;
  } finally {
    lock.release();
  }
}

export const readTemplateOf = (assemblyDir: string): Template =>
  JSON.parse(readFileSync(join(assemblyDir, TEMPLATE), 'utf8')) as Template;

/** A copy of the shared assembly with another template; its bundles are the same files. */
export async function editedAssembly(edit: (template: Template) => void): Promise<string> {
  const from = await sharedAssembly();
  const folder = mkdtempSync(join(tmpdir(), 'qmoi-assembly-'));
  const template = readTemplateOf(from);
  edit(template);
  for (const name of readdirSync(from)) {
    if (name !== TEMPLATE) symlinkSync(join(from, name), join(folder, name));
  }
  writeFileSync(join(folder, TEMPLATE), JSON.stringify(template));
  return folder;
}
