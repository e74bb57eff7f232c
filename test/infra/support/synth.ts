import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { IConstruct } from 'constructs';
import { createApp } from '../../../infra/aws/create-app.ts';
import { parseConfig } from '../../../shared/runtime/config.ts';
import { readTemplate, type Template } from './template.ts';

interface SynthOptions {
  /** The text of qmoi.config.yaml. */
  config?: string;
  /** With cdk-nag and the construct library's checks; takes some seconds. */
  validate?: boolean;
  /** Adds to the stack before it is synthesized. */
  add?: (stack: IConstruct) => void;
}

/**
 * Synthesizes the stack; throws on what the checks find. Bundles are left out, as
 * nothing else in the template depends on them.
 */
export async function synthesize({ config = '', validate = true, add }: SynthOptions = {}): Promise<Template> {
  const outdir = mkdtempSync(join(tmpdir(), 'qmoi-synth-'));
  try {
    const app = await createApp({
      settings: parseConfig(config),
      code: () => Code.fromInline('exports.handler = async () => {};'),
      validate,
      outdir,
    });
    add?.(app.node.findChild('Qmoi'));
    app.synth();
    return readTemplate(join(outdir, 'Qmoi.template.json'));
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
