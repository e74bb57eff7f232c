import { synthFixture } from './app.ts';

synthFixture(process.env.CDK_OUTDIR ?? 'build/host-fixture');
