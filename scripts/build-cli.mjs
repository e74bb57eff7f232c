import { build } from 'esbuild';

/** Bundles the command line for those who install it: its sources, and the packages they use, need not come along. */
await build({
  entryPoints: ['cli/main.ts'],
  bundle: true,
  // Each command stays a file of its own, loaded when it is called.
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  outdir: process.argv[2] ?? 'dist/cli',
  // Packages in CommonJS ask for Node's modules by a function that modules do not have.
  banner: {
    js: "import { createRequire as nodeRequire } from 'node:module'; const require = nodeRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
