import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diagnose, redact } from '../../../../shared/diagnosis/index.ts';

// Built from parts, so that no scanner takes this file for a leak.
const r = (length: number, alphabet = 'aB3dE5gH7jK9mN1pQ2sT4vW6xY8z'): string =>
  Array.from({ length }, (_, i) => alphabet[(i * 7 + 3) % alphabet.length]).join('');
const hex = (length: number): string => r(length, '0a1b2c3d4e5f6789');

const secrets: readonly (readonly [string, string])[] = [
  ['GitHub personal', `ghp_${r(36)}`],
  ['GitHub OAuth', `gho_${r(36)}`],
  ['GitHub server', `ghs_${r(36)}`],
  ['GitHub user', `ghu_${r(36)}`],
  ['GitHub refresh', `ghr_${r(76)}`],
  ['GitHub fine-grained', `github_pat_${r(22)}_${r(59)}`],
  ['GitLab personal', `glpat-${r(20)}`],
  ['GitLab personal, routable', `glpat-${r(27)}.${hex(2)}.${hex(9)}`],
  ['GitLab trigger', `glptt-${hex(40)}`],
  ['GitLab deploy', `gldt-${r(20)}`],
  ['GitLab runner', `glrt-${r(20)}`],
  ['GitLab CI job', `glcbt-64_${r(20)}`],
  ['GitLab registration', `GR1348941${r(20)}`],
  ['AWS key id', `AKIA${r(16, 'ABCDEFGHIJKLMNOP234567')}`],
  ['AWS temporary key id', `ASIA${r(16, 'ABCDEFGHIJKLMNOP234567')}`],
  ['Slack bot', `xoxb-${r(12, '0123456789')}-${r(24)}`],
  ['Slack app', `xapp-1-${r(11)}-${r(13, '0123456789')}-${hex(64)}`],
  ['Slack webhook', `https://hooks.slack.com/services/T${r(8)}/B${r(8)}/${r(24)}`],
  ['Discord webhook', `https://discord.com/api/webhooks/${r(18, '0123456789')}/${r(68)}`],
  ['Telegram bot', `${r(10, '123456789')}:AA${r(33)}`],
  ['JWT', `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx${r(20)}.${r(43)}`],
  ['Google API key', `AIza${r(35)}`],
  ['Google OAuth', `ya29.${r(60)}`],
  ['Google client secret', `GOCSPX-${r(28)}`],
  ['Stripe', `sk_live_${r(24)}`],
  ['npm', `npm_${r(36)}`],
  ['PyPI', `pypi-AgEIcHlwaS5vcmc${r(60)}`],
  ['RubyGems', `rubygems_${hex(48)}`],
  ['Docker Hub', `dckr_pat_${r(27)}`],
  ['Hugging Face', `hf_${r(34)}`],
  ['OpenAI', `sk-proj-${r(48)}`],
  ['Anthropic', `sk-ant-api03-${r(80)}`],
  ['SendGrid', `SG.${r(22)}.${r(43)}`],
  ['Mailgun', `key-${hex(32)}`],
  ['Twilio', `SK${hex(32)}`],
  ['DigitalOcean', `dop_v1_${hex(64)}`],
  ['Shopify', `shpat_${hex(32)}`],
  ['Grafana', `glsa_${r(32)}_${hex(8)}`],
  ['Vault', `hvs.${r(90)}`],
  ['Terraform Cloud', `${r(14)}.atlasv1.${r(60)}`],
  ['Databricks', `dapi${hex(32)}`],
  ['Atlassian', `ATATT3${r(60)}`],
  ['Sentry', `sntrys_${r(60)}`],
  ['age', `AGE-SECRET-KEY-1${r(58, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')}`],
];

const around: readonly ((secret: string) => string)[] = [
  (s) => s,
  (s) => `using ${s} to log in`,
  (s) => `"${s}"`,
  (s) => `token=${s}&x=1`,
  (s) => `(${s})`,
];

describe('tokens by their shape', () => {
  it.each(secrets)('%s', (_, secret) => {
    for (const wrap of around) expect(redact(wrap(secret))).not.toContain(secret);
    expect(redact(`using ${secret} to log in`)).toBe('using [redacted] to log in');
  });
});

describe('secrets by their place', () => {
  const secret = 'hunter2-Correct4horse';
  it.each([
    `https://ci:${secret}@example.com/app.git`,
    `https://${secret}@example.com/app.git`,
    `postgres://app:${secret}@db.internal:5432/app`,
    `redis://:${secret}@cache:6379`,
    `Authorization: Bearer ${secret}`,
    `authorization: Basic ${Buffer.from(`ci:${secret}`).toString('base64')}`,
    `curl -H "Authorization: token ${secret}" https://example.com`,
    `PROXY-AUTHORIZATION: ${secret}`,
    `Cookie: session=${secret}`,
    `Set-Cookie: sid=${secret}; HttpOnly`,
    `DB_PASSWORD=${secret}`,
    `export AWS_SECRET_ACCESS_KEY=${secret}`,
    `AWS_SESSION_TOKEN: ${secret}`,
    `"password": "${secret}"`,
    `{"clientSecret":"${secret}"}`,
    `password: '${secret}'`,
    `api_key => ${secret}`,
    `error: password=${secret} is wrong`,
    `--password ${secret}`,
    `Uid=sa;Pwd=${secret};`,
    `PWD=${secret}`,
    `--api-key=${secret}`,
    `mysql --password=${secret} app`,
    `//registry.npmjs.org/:_authToken=${secret}`,
    `//registry.npmjs.org/:_password=${secret}`,
    `_auth=${secret}`,
    `machine example.com login ci password ${secret}`,
    `https://example.com/hook?token=${secret}&x=1`,
    `https://example.blob.core.windows.net/c?sv=2020&sig=${secret}`,
    `AccountName=a;AccountKey=${secret};EndpointSuffix=core.windows.net`,
    `x-api-key: ${secret}`,
    `spring.datasource.password=${secret}`,
    `TF_VAR_db_password = "${secret} with spaces"`,
    `NPM_TOKEN=${secret} npm publish`,
  ])('%s', (line) => {
    const clean = redact(line);
    expect(clean).not.toContain(secret);
    expect(clean).not.toContain('hunter2');
    expect(clean).not.toContain(Buffer.from(`ci:${secret}`).toString('base64'));
    expect(clean).toContain('[redacted]');
  });

  it('private keys, whole, cut off, or without their first line', () => {
    const body = Array.from({ length: 4 }, (_, i) => `${r(63 - i)}/`)
      .map((line) => line.padEnd(64, 'A'))
      .join('\n');
    const key = `-----BEGIN RSA PRIVATE KEY-----\n${body}\n-----END RSA PRIVATE KEY-----`;
    expect(redact(`before\n${key}\nafter`)).toBe('before\n[redacted]\nafter');
    expect(redact(`${key}\n${key}`)).toBe('[redacted]\n[redacted]');
    expect(redact(`before\n${key.slice(0, 120)}`)).toBe('before\n[redacted]');
    for (const line of body.split('\n')) expect(redact(`head\n${body}`)).not.toContain(line);
    const public_ = '-----BEGIN CERTIFICATE-----';
    expect(redact(public_)).toBe(public_);
  });

  it('e-mail addresses, but not repositories and versions', () => {
    expect(redact('by jane.doe+ci@example.co.uk on Monday')).toBe('by [email] on Monday');
    for (const kept of [
      'git@github.com:acme/app.git',
      'actions/checkout@v4.1.2',
      'left-pad@1.3.0',
      '@types/node@20.1.0',
    ])
      expect(redact(kept)).toBe(kept);
  });
});

describe('what is no secret', () => {
  it.each([
    "fatal: unable to access 'https://github.com/acme/app.git/': Could not resolve host: github.com",
    'SyntaxError: Unexpected token } in JSON at position 15',
    'error: unexpected token: expected ";"',
    '##[error]Input required and not supplied: token',
    'token: ***',
    'password=***',
    'DB_PASSWORD=$DB_PASSWORD',
    `token: \${{ secrets.GITHUB_TOKEN }}`,
    'Missing secret: DEPLOY_KEY',
    'tokens=512 tokenizer=bpe',
    'bypass=true pass: 12 compass=north',
    'commit 1f2e3d4c5b6a79880123456789abcdef01234567',
    '1f2e3d4c5b6a79880123456789abcdef01234567',
    'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'remote: HTTP Basic: Access denied.',
    'basic authentication failed',
    '/home/runner/work/app/app/src/components/NavigationBar/NavigationBar.tsx',
    '12:34:56 1234567890:ok',
    'docker run -v $PWD:/app image',
    'PWD=/home/runner/work/app',
    'Matchers/AllPass.swift:12:5: warning: deprecated',
    'Unpacking libsecret-1-0:amd64 (0.20.5-2) ...',
    'keyboard-interactive/pam',
  ])('%s', (line) => {
    expect(redact(line)).toBe(line);
  });
});

it('takes what stands right behind a quoted value along', () => {
  expect(redact('password="one two"-three four')).toBe('password=[redacted] four');
});

it('changes nothing when done twice', () => {
  const text = fc.array(
    fc.oneof(
      fc.string(),
      fc.constantFrom(...secrets.map(([, s]) => s)),
      fc.constantFrom('password=', 'token: ', '://a:b@', '\n', ' ', '-----BEGIN PRIVATE KEY-----'),
    ),
  );
  fc.assert(
    fc.property(text, (parts) => {
      const once = redact(parts.join(' '));
      expect(redact(once)).toBe(once);
    }),
  );
});

it('keeps secrets out of every text of a diagnosis', async () => {
  for (const [, secret] of secrets) {
    const log = `login with ${secret}\nfatal: unable to access 'https://x:${secret}@github.com/a/b/': Could not resolve host: github.com\nkey ${secret}\nError: ${secret} broke`;
    expect(JSON.stringify(await diagnose(log, { platform: 'github', jobName: 'build' }))).not.toContain(secret);
  }
});
