import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { environments } from '../../infra/aws/functions.ts';
import { quantile, type Row, rounded } from './measure.ts';

/** What a function's environment schema wants, with values that open no connection. */
const VARIABLES = {
  ...{ TABLE_NAME: 't', BUS_NAME: 'b', PARAMETER_PREFIX: '/qmoi/', SETTINGS: '{}' },
  ...{ QUEUE_URL: 'http://127.0.0.1/q', FAILED_QUEUE_URL: 'http://127.0.0.1/q' },
  ...{ TOPIC_REAL_TIME: 'a', TOPIC_ERROR: 'a', TOPIC_PERFORMANCE: 'a', TOPIC_STATUS: 'a', TOPIC_EMERGENCY: 'a' },
  ...{ AWS_REGION: 'us-east-1', POWERTOOLS_SERVICE_NAME: 'bench' },
};
const PROBE =
  'const t=process.hrtime.bigint();require(process.argv[1]);console.log(Number(process.hrtime.bigint()-t)/1e6)';
const SAMPLES = 5;

/** Size of each bundle, and how long a fresh process takes to load it: the part of a cold start that is ours. */
export function bundleRows(folder: string): Row[] {
  return Object.keys(environments).map((name) => {
    const file = join(folder, name, 'index.js');
    const code = readFileSync(file);
    const init = Array.from({ length: SAMPLES }, () =>
      Number(
        execFileSync(process.execPath, ['-e', PROBE, file], {
          env: { ...VARIABLES, PATH: process.env.PATH ?? '' },
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
