import { createHash } from 'node:crypto';
import { createAppAuth } from '@octokit/auth-app';
import type { Octokit } from '@octokit/rest';
import { complete, type HttpOptions, send } from '../../runtime/http.ts';

/** A GitHub App: its number or its client id, and its private key in PEM, or that once more in base64. */
export interface AppCredentials {
  readonly id: string;
  readonly privateKey: string;
}

/** https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app */
export interface GithubApp {
  /** A token for a repository that the App is installed on, good for an hour; undefined where it is not. */
  tokenFor(owner: string, repo: string): Promise<string | undefined>;
  /** By which the App speaks of itself, good for some minutes. */
  ownToken(): Promise<string>;
}

/** An installation does not change unless somebody takes the App away and puts it back. */
const INSTALLATION_KEPT_MS = 10 * 60_000;
/** Two calls, and one for what the token is for, have to end within an action's lease of 15 s. */
const TIMEOUT_MS = 2_000;
const MAX_KNOWN = 1_000;
const apps = new Map<string, GithubApp>();

/** The App by its credentials. Its tokens are kept for as long as the process lives, as each costs a call. */
export function githubApp(octokit: Octokit, baseUrl: string, { id, privateKey }: AppCredentials): GithubApp {
  const name = createHash('sha256').update([baseUrl, id, privateKey].join('\n')).digest('hex');
  const app = apps.get(name) ?? openApp(octokit, { id, privateKey });
  // Of a key that was rotated away nothing is kept.
  if (!apps.has(name)) apps.clear();
  apps.set(name, app);
  return app;
}

function openApp(octokit: Octokit, { id, privateKey }: AppCredentials): GithubApp {
  const fetch = async (url: string, init: HttpOptions) => complete(await send(url, { ...init, timeoutMs: TIMEOUT_MS }));
  const request = octokit.request.defaults({ request: { fetch } });
  const auth = createAppAuth({ appId: id, privateKey: pemOf(privateKey), request });
  const known = new Map<string, { installation: number | undefined; at: number }>();

  async function installationOf(owner: string, repo: string): Promise<number | undefined> {
    const { token } = await auth({ type: 'app' });
    try {
      const { data } = await request('GET /repos/{owner}/{repo}/installation', {
        owner,
        repo,
        headers: { authorization: `bearer ${token}` },
      });
      return data.id;
    } catch (error) {
      if ((error as { status?: unknown }).status === 404) return undefined;
      throw error;
    }
  }

  return {
    ownToken: async () => (await auth({ type: 'app' })).token,
    async tokenFor(owner, repo) {
      const name = `${owner}/${repo}`.toLowerCase();
      let found = known.get(name);
      if (found === undefined || Date.now() - found.at > INSTALLATION_KEPT_MS) {
        found = { installation: await installationOf(owner, repo), at: Date.now() };
        if (known.size >= MAX_KNOWN) known.clear();
        known.set(name, found);
      }
      if (found.installation === undefined) return undefined;
      try {
        return (await auth({ type: 'installation', installationId: found.installation })).token;
      } catch (error) {
        known.delete(name);
        throw error;
      }
    },
  };
}

/** Environment files have no room for line breaks. */
function pemOf(privateKey: string): string {
  const key = privateKey.trim().replaceAll('\\n', '\n');
  return key.includes('-----BEGIN') ? key : Buffer.from(key, 'base64').toString('utf8').trim();
}
