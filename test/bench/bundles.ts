import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { environments } from '../../infra/aws/functions.ts';
import type { Template } from '../infra/support/template.ts';
import { quantile, type Row, rounded } from './measure.ts';

type Environment = { Variables?: Record<string, unknown> };

const PROBE =
  'const t=process.hrtime.bigint();require(process.argv[1]);console.log(Number(process.hrtime.bigint()-t)/1e6)';
const SAMPLES = 5;

/** The environments of the template, with an address for whatever CloudFormation would fill in; none of it is called. */
const variablesOf = (template: Template): Record<string, string> =>
  Object.fromEntries(
    Object.values(template.Resources).flatMap(({ Type, Properties }) =>
      Type === 'AWS::Lambda::Function'
        ? Object.entries((Properties?.Environment as Environment | undefined)?.Variables ?? {}).map(
            ([name, value]) => [name, typeof value === 'string' ? value : 'http://127.0.0.1/'] as const,
          )
        : [],
    ),
  );

/** Size of each bundle, and how long a fresh process takes to load it: the part of a cold start that is ours. */
export function bundleRows(folder: string, template: Template): Row[] {
  const env = { AWS_REGION: 'us-east-1', ...variablesOf(template), PATH: process.env.PATH ?? '' };
  return Object.keys(environments).map((name) => {
    const file = join(folder, name, 'index.js');
    const code = readFileSync(file);
    const init = Array.from({ length: SAMPLES }, () =>
      Number(
        execFileSync(process.execPath, ['-e', PROBE, file], {
          env,
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      ),
    );
    const size = `${Math.round(code.length / 1024)} KB`;
    return {
      name,
      value: `${rounded(quantile(init, 0.5), 0)} ms init`,
      note: `${size}, ${Math.round(gzipSync(code).length / 1024)} KB gzipped`,
    };
  });
}
