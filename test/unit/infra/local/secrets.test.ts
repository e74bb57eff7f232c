import { expect, it } from 'vitest';
import { parametersOf } from '../../../../infra/local/secrets.ts';

it('makes parameters of the variables that functions may know, and of no others', () => {
  expect(
    parametersOf({
      QMOI_GITHUB_WEBHOOK_SECRET: ' s3cret ',
      QMOI_GITHUB_WEBHOOK_SECRET_PREVIOUS: 'old',
      QMOI_GITLAB_URL: 'https://gitlab.example',
      QMOI_GITLAB_TOKEN: '',
      QMOI_VERCEL_TOKEN: undefined,
      QMOI_DATA_DIR: '/data',
      QMOI_DYNAMODB_ENDPOINT: 'http://x',
      QMOI_ASSEMBLY_DIR: '/cdk.out',
      QMOI_LOCAL_CHAOS: '1',
      PATH: '/bin',
      qmoi_lower: 'x',
    }),
  ).toEqual([
    { name: '/qmoi/github-webhook-secret', type: 'SecureString', value: 's3cret' },
    { name: '/qmoi/github-webhook-secret-previous', type: 'SecureString', value: 'old' },
    { name: '/qmoi/gitlab-url', type: 'SecureString', value: 'https://gitlab.example' },
  ]);
});
