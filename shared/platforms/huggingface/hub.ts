import type { ReadParameters } from '../port.ts';
import type { HubClient } from './client.ts';

const DEFAULT_URL = 'https://huggingface.co';

/** The client of the configured Hub; undefined without a token. */
export async function hubOf(parameters: ReadParameters): Promise<HubClient | undefined> {
  const values = await parameters(['huggingface-token', 'huggingface-url']);
  const token = values['huggingface-token']?.trim();
  if (!token) return undefined;
  const { hubClient } = await import('./client.ts');
  return hubClient({ token, baseUrl: (values['huggingface-url']?.trim() || DEFAULT_URL).replace(/\/+$/, '') });
}
