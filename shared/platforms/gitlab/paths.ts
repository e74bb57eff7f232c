import type { ActionRequest } from '../port.ts';

/** The number, as a project may be renamed. */
export const projectOf = ({ repositoryId, repository }: Pick<ActionRequest, 'repositoryId' | 'repository'>): string =>
  repositoryId ?? repository;

export const projectPath = (of: ActionRequest, more: string): string =>
  `/projects/${encodeURIComponent(projectOf(of))}${more}`;
