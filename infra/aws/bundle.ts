import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';

export interface BundleOptions {
  /** Holds one folder with a `handler.ts` per function. */
  functions: string;
  /** Gets `<function>/index.js`, its source map, and esbuild's `meta.json`. What was there is removed. */
  out: string;
}

/** Bundles every function at once: one call shares the parsing of what they have in common. */
export async function bundleFunctions({ functions, out }: BundleOptions): Promise<Metafile> {
  const names = readdirSync(functions).filter((name) => existsSync(join(functions, name, 'handler.ts')));
  rmSync(out, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: names.map((name) => ({ in: join(functions, name, 'handler.ts'), out: join(name, 'index') })),
    outdir: out,
    bundle: true,
    minify: true,
    platform: 'node',
    // The oldest Node that the embedded host runs on; Lambda's is newer.
    target: 'node20',
    format: 'cjs',
    // Packages that offer both come as ES modules, so that what is not used can be left out.
    mainFields: ['module', 'main'],
    sourcemap: 'linked',
    // Positions and names are enough for a stack trace, and the map is read at every cold start.
    sourcesContent: false,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  for (const name of names) {
    mkdirSync(join(out, name), { recursive: true });
    // Inside a checkout the nearest package.json would otherwise be QMOI's own, which says "module".
    writeFileSync(join(out, name, 'package.json'), '{"type":"commonjs"}\n');
  }
  writeFileSync(join(out, 'meta.json'), JSON.stringify(metafile));
  return metafile;
}
