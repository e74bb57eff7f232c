import { parseArgs } from 'node:util';
import { type Ask, createAsk } from '../../shared/platforms/ask.ts';
import { type Command, CommandFailure, type Io, UsageError } from '../command.ts';
import { webhookAddress } from '../connect/address.ts';
import { appManifest, githubHook } from '../connect/github.ts';
import { gitlabHook } from '../connect/gitlab.ts';
import { ensureHook, unmetered } from '../connect/hook.ts';
import { huggingfaceHook } from '../connect/huggingface.ts';
import { vercelHook } from '../connect/vercel.ts';

interface Wanted {
  readonly target: string | undefined;
  readonly url: string | undefined;
  readonly io: Io;
}

const PLATFORMS: Readonly<Record<string, (wanted: Wanted) => Promise<boolean>>> = {
  github({ target, url, io }) {
    const api = setting(io, 'QMOI_GITHUB_API_URL') ?? 'https://api.github.com';
    const address = webhookAddress(url, 'github', api);
    const secret = needed(io, 'QMOI_GITHUB_WEBHOOK_SECRET');
    const headers = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' };
    const ask = askOf(api, { ...headers, authorization: `Bearer ${needed(io, 'QMOI_GITHUB_TOKEN')}` });
    return ensureHook(() => githubHook(ask, named(target), { url: address, secret }), io);
  },
  gitlab({ target, url, io }) {
    const instance = setting(io, 'QMOI_GITLAB_URL') ?? 'https://gitlab.com';
    const address = webhookAddress(url, 'gitlab', instance);
    const secret = needed(io, 'QMOI_GITLAB_WEBHOOK_TOKEN');
    const ask = askOf(`${instance}/api/v4`, { 'private-token': needed(io, 'QMOI_GITLAB_TOKEN') });
    return ensureHook(() => gitlabHook(ask, named(target), { url: address, secret }), io);
  },
  vercel({ target, url, io }) {
    const api = setting(io, 'QMOI_VERCEL_API_URL') ?? 'https://api.vercel.com';
    const address = webhookAddress(url, 'vercel', api);
    const ask = askOf(api, { authorization: `Bearer ${needed(io, 'QMOI_VERCEL_TOKEN')}` });
    return ensureHook(() => vercelHook(ask, target, { url: address }), io);
  },
  huggingface({ target, url, io }) {
    const hub = setting(io, 'QMOI_HUGGINGFACE_URL') ?? 'https://huggingface.co';
    const address = webhookAddress(url, 'huggingface', hub);
    const secret = needed(io, 'QMOI_HUGGINGFACE_WEBHOOK_SECRET');
    const ask = askOf(hub, { authorization: `Bearer ${needed(io, 'QMOI_HUGGINGFACE_TOKEN')}` });
    return ensureHook(() => huggingfaceHook(ask, named(target), { url: address, secret }), io);
  },
};

export const connect: Command = {
  name: 'connect',
  summary: 'have a platform send its webhooks to QMOI',
  usage: `Usage: qmoi connect github OWNER/NAME|ORGANISATION --url URL
       qmoi connect github --app --url URL
       qmoi connect gitlab PROJECT|GROUP --url URL
       qmoi connect vercel [TEAM] --url URL
       qmoi connect huggingface [TYPE:]NAME --url URL

Registers the webhook with the events that QMOI uses and its secret, has the platform send a test delivery where it can,
and says what is missing. Run again, it changes nothing but what differs. Tokens and secrets come from the environment or
.env, by the names that QMOI itself reads: QMOI_GITHUB_TOKEN and QMOI_GITHUB_WEBHOOK_SECRET, QMOI_GITLAB_TOKEN and
QMOI_GITLAB_WEBHOOK_TOKEN, QMOI_VERCEL_TOKEN (Vercel makes the secret, which is printed once), QMOI_HUGGINGFACE_TOKEN and
QMOI_HUGGINGFACE_WEBHOOK_SECRET.

  --url URL         where the platform reaches QMOI, such as https://qmoi.example.com
  --app             prints the manifest of a GitHub App instead: https://docs.github.com/apps says where it goes`,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { url: { type: 'string' }, app: { type: 'boolean' } },
    });
    const [name = '', target, ...more] = positionals;
    const platform = Object.hasOwn(PLATFORMS, name) ? PLATFORMS[name] : undefined;
    if (platform === undefined) throw new UsageError(`The platform is one of ${Object.keys(PLATFORMS).join(', ')}.`);
    if (more.length > 0) throw new UsageError('One webhook at a time.');
    if (values.app) {
      if (name !== 'github' || target !== undefined) throw new UsageError('--app is for GitHub, and takes no name.');
      const api = setting(io, 'QMOI_GITHUB_API_URL') ?? 'https://api.github.com';
      io.out(JSON.stringify(appManifest(webhookAddress(values.url, 'github', api)), undefined, 2));
      return 0;
    }
    return (await platform({ target, url: values.url, io })) ? 0 : 1;
  },
};

const setting = (io: Io, name: string): string | undefined => io.env[name]?.trim().replace(/\/+$/, '') || undefined;

function needed(io: Io, name: string): string {
  const value = io.env[name]?.trim();
  if (!value) throw new CommandFailure(`Missing: ${name}, in the environment or in .env.`);
  return value;
}

function named(target: string | undefined): string {
  if (target === undefined) throw new UsageError('Whose webhook? qmoi connect --help shows how each is named.');
  return target.replace(/^\/+|\/+$/g, '');
}

const askOf = (baseUrl: string, headers: Record<string, string>): Ask =>
  createAsk({ baseUrl, headers: async () => headers, meter: unmetered, now: Date.now });
