import { fileURLToPath } from 'node:url';
import { ensureAssembly } from '../../../infra/local/index.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The fixture's cloud assembly, synthesized once and kept until its source changes. */
export function fixtureAssembly(): Promise<string> {
  return ensureAssembly({
    root,
    folder: `${root}build/host-fixture`,
    app: 'test/support/host-fixture/main.ts',
    inputs: ['test/support/host-fixture', 'package-lock.json'],
    say: () => undefined,
  });
}
