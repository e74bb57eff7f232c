import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleFunctions } from './bundle.ts';

/**
 * The CDK app: `cdk synth` runs it, and so does the embedded host, with CDK_OUTDIR and CDK_VALIDATION=false.
 * It takes nothing from `cdk.json`, so that both get the same template.
 */
const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const bundles = join(root, 'build/functions');

// esbuild works in a process of its own: meanwhile this one loads the construct library.
const bundling = bundleFunctions({ functions: join(root, 'functions'), out: bundles });
const [{ createApp }, { CONFIG_FILE, loadConfig }, { Code }] = await Promise.all([
  import('./create-app.ts'),
  import('../../shared/runtime/config.ts'),
  import('aws-cdk-lib/aws-lambda'),
]);
await bundling;
const app = await createApp({
  settings: loadConfig(join(root, CONFIG_FILE)),
  code: (name) => Code.fromAsset(join(bundles, name)),
  validate: process.env.CDK_VALIDATION !== 'false',
});
app.synth();
