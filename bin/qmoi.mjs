#!/usr/bin/env node
import { existsSync } from 'node:fs';

// A checkout runs its sources as they are; what is installed holds one bundle instead, and none of the tools that read sources.
const source = new URL('../cli/main.ts', import.meta.url);
const inCheckout = existsSync(source);
if (inCheckout) (await import('tsx/esm/api')).register();
const { runProcess } = await import(inCheckout ? source.href : new URL('../dist/cli/main.js', import.meta.url).href);
await runProcess();
