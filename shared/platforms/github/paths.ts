import { numberIn } from '../action.ts';
import type { ActionRequest } from '../port.ts';

export function repositoryOf(fullName: string): { owner: string; repo: string } {
  const [owner = '', repo = ''] = fullName.split('/');
  return { owner, repo };
}

export function repoPath({ repository }: Pick<ActionRequest, 'repository'>, more = ''): string {
  const { owner, repo } = repositoryOf(repository);
  return `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}${more}`;
}

export function runPath(of: ActionRequest, more = ''): string | undefined {
  const run = numberIn(of.runId.split(':')[1]);
  return run && repoPath(of, `/actions/runs/${run}${more}`);
}
