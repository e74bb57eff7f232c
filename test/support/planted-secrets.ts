/** Secrets of every kind that CI logs are known to leak: what must not survive anywhere. */

// Built from parts, so that no scanner takes this file for a leak.
let state = 7;
const next = (): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
};
/** No two are alike, so that one that gets through tells its kind. */
const r = (length: number, alphabet = 'aB3dE5gH7jK9mN1pQ2sT4vW6xY8z'): string =>
  Array.from({ length }, () => alphabet[Math.floor(next() * alphabet.length)]).join('');
const hex = (length: number): string => r(length, '0a1b2c3d4e5f6789');
const caps = (length: number): string => r(length, 'ABCDEFGHIJKLMNOP234567');
const digits = (length: number): string => r(length, '9182736450');
const uuid = (): string => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A kind of token, one of it, and the line that it stands in as tools print it. */
export type PlantedSecret = readonly [kind: string, secret: string, line: (secret: string) => string];

export const plantedSecrets: readonly PlantedSecret[] = [
  // forges and CI
  ...(['ghp', 'gho', 'ghs', 'ghu', 'ghr'] as const).map(
    (kind) => [`GitHub ${kind}`, `${kind}_${r(36)}`, (s: string) => `error: could not read with ${s}`] as const,
  ),
  ['GitHub fine-grained', `github_pat_${r(22)}_${r(59)}`, (s) => `fatal: ${s} was refused`],
  ...(['glpat', 'gldt', 'glrt', 'glft', 'glsoat', 'glagent', 'gloas'] as const).map(
    (kind) => [`GitLab ${kind}`, `${kind}-${r(20)}`, (s: string) => `error: ${s} expired`] as const,
  ),
  [
    'GitLab CI job token in a URL',
    r(20),
    (s) => `fatal: unable to access 'https://gitlab-ci-token:${s}@gitlab.com/a/b.git/'`,
  ],
  ['Bitbucket app password', `ATBB${r(28)}`, (s) => `error: clone with ${s} failed`],
  ['Bitbucket access token', `ATCTT3${r(180)}`, (s) => `error: clone with ${s} failed`],
  ['CircleCI', `CCIPAT_${r(22)}_${hex(40)}`, (s) => `error: Circle-Token ${s} denied`],
  ['Buildkite', `bkua_${hex(40)}`, (s) => `error: ${s} denied`],
  ['Azure DevOps', r(52, 'abcdefghijklmnopqrstuvwxyz234567'), (s) => `AZURE_DEVOPS_EXT_PAT=${s} denied`],
  ['Vercel', `vcp_${r(56)}`, (s) => `Error: ${s} is not valid`],
  ['Netlify', `nfp_${r(36)}`, (s) => `Error: ${s} is not valid`],
  ['Hugging Face', `hf_${r(34)}`, (s) => `Error: ${s} is not valid`],
  ['Heroku', `HRKU-${uuid()}`, (s) => `Error: ${s} is not valid`],
  ['Fly.io', `fm2_${r(120)}`, (s) => `Error: FlyV1 ${s} is not valid`],
  ['Sonar', `sqp_${hex(40)}`, (s) => `ERROR: Not authorized with ${s}`],
  ['Codecov', uuid(), (s) => `error: CODECOV_TOKEN=${s} refused`],
  ['Snyk', uuid(), (s) => `error: SNYK_TOKEN: ${s} refused`],
  ['Pulumi', `pul-${hex(40)}`, (s) => `error: ${s} refused`],
  // clouds
  ['AWS key id', `AKIA${caps(16)}`, (s) => `error: the key ${s} does not exist`],
  ['AWS temporary key id', `ASIA${caps(16)}`, (s) => `error: the key ${s} does not exist`],
  ['AWS secret key', r(40), (s) => `aws_secret_access_key = ${s}`],
  ['AWS session token', r(200), (s) => `AWS_SESSION_TOKEN=${s}`],
  ['Google API key', `AIza${r(35)}`, (s) => `error: ${s} not valid`],
  ['Google OAuth', `ya29.${r(60)}`, (s) => `error: ${s} not valid`],
  ['Google client secret', `GOCSPX-${r(28)}`, (s) => `error: ${s} not valid`],
  ['Google refresh token', `1//0${r(60)}`, (s) => `error: ${s} not valid`],
  [
    'Google service account',
    r(64),
    (s) =>
      `  "private_key_id": "${hex(8)}", "private_key": "-----BEGIN PRIVATE KEY-----\\n${s}\\n-----END PRIVATE KEY-----\\n" error`,
  ],
  ['Azure client secret', `abc8Q~${r(34)}`, (s) => `error: ${s} is expired`],
  [
    'Azure storage key',
    `${r(86)}==`,
    (s) => `error: DefaultEndpointsProtocol=https;AccountName=a;AccountKey=${s};EndpointSuffix=core.windows.net`,
  ],
  ['Azure SAS', r(43), (s) => `error: GET https://a.blob.core.windows.net/c?sv=2022-11-02&sp=r&sig=${s}%3D`],
  ['DigitalOcean', `dop_v1_${hex(64)}`, (s) => `error: ${s} denied`],
  ['Cloudflare', r(40), (s) => `error: CLOUDFLARE_API_TOKEN=${s} denied`],
  ['Supabase', `sbp_${hex(40)}`, (s) => `error: ${s} denied`],
  ['PlanetScale', `pscale_tkn_${r(43)}`, (s) => `error: ${s} denied`],
  ['Vault', `hvs.${r(90)}`, (s) => `error: ${s} denied`],
  ['Terraform Cloud', `${r(14)}.atlasv1.${r(60)}`, (s) => `error: ${s} denied`],
  ['Databricks', `dapi${hex(32)}`, (s) => `error: ${s} denied`],
  ['Tailscale', `tskey-auth-${r(12)}-${r(24)}`, (s) => `error: ${s} denied`],
  ['Doppler', `dp.st.dev.${r(40)}`, (s) => `error: ${s} denied`],
  ['1Password service account', `ops_eyJ${r(250)}`, (s) => `error: ${s} denied`],
  // registries
  ['npm', `npm_${r(36)}`, (s) => `npm error ${s} is not valid`],
  ['.npmrc', uuid(), (s) => `npm error //registry.npmjs.org/:_authToken=${s}`],
  ['.npmrc basic', base64(`ci:${r(20)}`), (s) => `npm error //registry.example.com/:_auth=${s}`],
  ['.netrc', r(20), (s) => `error: machine example.com login ci password ${s}`],
  ['.pypirc', `pypi-AgEIcHlwaS5vcmc${r(60)}`, (s) => `error: password = ${s}`],
  ['RubyGems', `rubygems_${hex(48)}`, (s) => `error: ${s} denied`],
  ['NuGet', `oy2${r(43, 'abcdefghijklmnopqrstuvwxyz234567')}`, (s) => `error: --api-key ${s} denied`],
  ['crates.io', `cio${r(32)}`, (s) => `error: ${s} denied`],
  ['Docker Hub', `dckr_pat_${r(27)}`, (s) => `error: ${s} denied`],
  [
    'docker config',
    base64(`ci:${r(30)}`),
    (s) => `error in config: {"auths":{"https://index.docker.io/v1/":{"auth":"${s}"}}}`,
  ],
  ['JFrog', `AKCp8${r(68)}`, (s) => `error: ${s} denied`],
  ['Open VSX', `ovsxat_${uuid()}`, (s) => `error: ${s} denied`],
  // channels and services
  ['Slack bot', `xoxb-${digits(12)}-${digits(12)}-${r(24)}`, (s) => `error: ${s} revoked`],
  ['Slack app', `xapp-1-${caps(11)}-${digits(13)}-${hex(64)}`, (s) => `error: ${s} revoked`],
  ['Slack rotated', `xoxe.xoxp-1-${r(160)}`, (s) => `error: ${s} revoked`],
  ['Slack webhook', `T${caps(8)}/B${caps(8)}/${r(24)}`, (s) => `error: POST https://hooks.slack.com/services/${s}`],
  ['Discord webhook', `${digits(18)}/${r(68)}`, (s) => `error: POST https://discord.com/api/webhooks/${s}`],
  [
    'Teams webhook',
    `${uuid()}@${uuid()}/IncomingWebhook/${hex(32)}/${uuid()}`,
    (s) => `error: POST https://acme.webhook.office.com/webhookb2/${s}`,
  ],
  ['Telegram bot', `${digits(10)}:AA${r(33)}`, (s) => `error: https://api.telegram.org/bot${s}/sendMessage`],
  ['WhatsApp', `EAA${r(150)}`, (s) => `error: ${s} expired`],
  ['SendGrid', `SG.${r(22)}.${r(43)}`, (s) => `error: ${s} expired`],
  ['Mailgun', `key-${hex(32)}`, (s) => `error: ${s} expired`],
  ['Mailchimp', `${hex(32)}-us12`, (s) => `error: ${s} expired`],
  ['Twilio', `SK${hex(32)}`, (s) => `error: ${s} expired`],
  ['Stripe', `sk_live_${r(24)}`, (s) => `error: ${s} expired`],
  ['Shopify', `shpat_${hex(32)}`, (s) => `error: ${s} expired`],
  ['Square', `sq0csp-${r(43)}`, (s) => `error: ${s} expired`],
  ['OpenAI', `sk-proj-${r(48)}`, (s) => `error: ${s} expired`],
  ['Anthropic', `sk-ant-api03-${r(80)}`, (s) => `error: ${s} expired`],
  ['Replicate', `r8_${r(37)}`, (s) => `error: ${s} expired`],
  ['Grafana', `glsa_${r(32)}_${hex(8)}`, (s) => `error: ${s} expired`],
  ['New Relic', `NRAK-${caps(27)}`, (s) => `error: ${s} expired`],
  ['Datadog', hex(32), (s) => `error: DD_API_KEY=${s} is not valid`],
  ['Sentry', `sntrys_${r(60)}`, (s) => `error: ${s} expired`],
  ['Atlassian', `ATATT3${r(60)}`, (s) => `error: ${s} expired`],
  ['Linear', `lin_api_${r(40)}`, (s) => `error: ${s} expired`],
  ['Notion', `ntn_${r(46)}`, (s) => `error: ${s} expired`],
  ['Figma', `figd_${r(40)}`, (s) => `error: ${s} expired`],
  ['Postman', `PMAK-${hex(24)}-${hex(34)}`, (s) => `error: ${s} expired`],
  ['Airtable', `pat${r(14)}.${hex(64)}`, (s) => `error: ${s} expired`],
  ['Contentful', `CFPAT-${r(43)}`, (s) => `error: ${s} expired`],
  ['Mapbox', `sk.eyJ1Ijoi${r(60)}.${r(22)}`, (s) => `error: ${s} expired`],
  ['Okta', `00${r(40)}`, (s) => `error: Authorization: SSWS ${s}`],
  ['Dropbox', `sl.${r(130)}`, (s) => `error: ${s} expired`],
  ['Brevo', `xkeysib-${hex(64)}-${r(16)}`, (s) => `error: ${s} expired`],
  ['age', `AGE-SECRET-KEY-1${r(58, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')}`, (s) => `error: ${s} does not decrypt`],
  // shapes of any origin
  ['JWT', `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx${r(20)}.${r(43)}`, (s) => `error: ${s} is expired`],
  ['basic-auth URL', r(20), (s) => `curl: (22) The requested URL returned error: 503 https://ci:${s}@example.com/a`],
  ['database URL', r(20), (s) => `error: could not connect to postgres://app:${s}@db:5432/app`],
  ['bearer header', r(40), (s) => `error: sent Authorization: Bearer ${s}`],
  ['kubeconfig', base64(`-----BEGIN RSA PRIVATE KEY-----${r(200)}`), (s) => `error in config: client-key-data: ${s}`],
  ['environment', r(24), (s) => `error: DEPLOY_SECRET=${s} rejected`],
  ['flag', r(24), (s) => `error: deploy --token ${s} failed`],
  ['curl', r(20), (s) => `error: curl -u ci:${s} https://example.com/a failed`],
  ['docker login', r(20), (s) => `error: docker login -u ci -p ${s} registry.example.com failed`],
  ['API key header', r(32), (s) => `error: sent x-api-key: ${s}`],
  ['GitLab header', r(20), (s) => `error: sent PRIVATE-TOKEN: ${s}`],
  ['presigned URL', hex(64), (s) => `error: GET https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Signature=${s}`],
  ['.netrc over lines', r(20), (s) => `  password ${s}`],
  ['.npmrc password', base64(r(20)), (s) => `npm error //registry.example.com/:_password="${s}"`],
  ['session', hex(32), (s) => `error: sent Cookie: JSESSIONID=${s}; Path=/`],
  ['JSON', r(24), (s) => `error: {"clientSecret":"${s}"}`],
];

/** Private keys as they are printed, line by line. */
export const plantedKeys: readonly {
  readonly kind: string;
  readonly body: readonly string[];
  readonly text: string;
}[] = ['RSA ', 'EC ', 'OPENSSH ', 'ENCRYPTED ', ''].map((kind, at) => {
  const body = Array.from({ length: 8 }, (_, i) => r(64, `${'aB3dE5gH7jK9mN1pQ2sT4vW6xY8z+/'.slice(i)}Q7${at}`));
  const edge = (word: string): string => `-----${word} ${kind}PRIVATE KEY-----`;
  return { kind: `${kind}PRIVATE KEY`, body, text: [edge('BEGIN'), ...body, edge('END')].join('\n') };
});
