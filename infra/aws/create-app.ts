import { App, Validations } from 'aws-cdk-lib';
import { QmoiStack, type QmoiStackProps } from './stack.ts';

export interface AppOptions extends Pick<QmoiStackProps, 'settings' | 'code'> {
  /** Runs cdk-nag and the construct library's own checks on synth; takes some seconds. */
  validate: boolean;
  /** Where the assembly goes; CDK_OUTDIR or a temporary folder unless told. */
  outdir?: string;
}

/** The app with its one stack, ready to be synthesized. */
export async function createApp({ settings, code, validate, outdir }: AppOptions): Promise<App> {
  await checkRules(settings);
  const app = new App({
    analyticsReporting: false,
    builtinCloudFormationValidation: validate,
    // Here and not in cdk.json, which only the command line reads. What the construct library finds wrong fails the synth.
    context: { '@aws-cdk/core:validateAgainstDefaultRules': true },
    ...(outdir !== undefined && { outdir }),
  });
  new QmoiStack(app, 'Qmoi', {
    settings,
    code,
    description: 'QMOI: an on-call engineer for CI/CD',
  });
  if (validate) {
    const { AwsSolutionsChecks } = await import('cdk-nag');
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { writeSuppressionsToCloudFormation: true }));
  }
  return app;
}

/** Rules that cannot be used fail here and not in the functions. Throws one sentence. */
async function checkRules({ diagnosis }: AppOptions['settings']): Promise<void> {
  const rules = Object.entries(diagnosis.rules);
  if (rules.length === 0) return;
  const [{ checkRule }, { asRule }] = await Promise.all([
    import('../../shared/diagnosis/index.ts'),
    import('../../shared/rulebook/index.ts'),
  ]);
  for (const [id, own] of rules) {
    const [problem] = await checkRule(asRule(id, own));
    if (problem !== undefined) throw new Error(`diagnosis.rules.${id} in qmoi.config.yaml: ${problem}`);
  }
}
