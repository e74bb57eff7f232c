import type { ReadParameters } from '../port.ts';
import type { AppCredentials } from './app.ts';

/** What QMOI may call GitHub with. Of a repository that the App is not installed on, the personal token decides. */
export interface GithubCredentials {
  /** `https://api.github.com`, `https://ghes.example/api/v3`. */
  readonly baseUrl: string;
  /** A personal access token, classic or fine-grained. */
  readonly token?: string;
  readonly app?: AppCredentials;
}

const DEFAULT_URL = 'https://api.github.com';
const NAMES = ['github-token', 'github-app-id', 'github-app-private-key', 'github-api-url'] as const;

/** Undefined when there is neither a token nor an App. */
export async function credentialsOf(read: ReadParameters): Promise<GithubCredentials | undefined> {
  const values = await read(NAMES);
  const [token, id, privateKey, url] = NAMES.map((name) => values[name]?.trim() || undefined);
  const app = id !== undefined && privateKey !== undefined ? { id, privateKey } : undefined;
  if (token === undefined && app === undefined) return undefined;
  return { baseUrl: (url ?? DEFAULT_URL).replace(/\/+$/, ''), ...(token && { token }), ...(app && { app }) };
}
