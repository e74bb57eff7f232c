import examples from '@octokit/webhooks-examples';

interface Example {
  action?: string;
  workflow_job?: Record<string, unknown>;
  workflow_run?: Record<string, unknown>;
  [key: string]: unknown;
}

/** GitHub's own examples of an event, as collected by Octokit. */
export function examplesOf(event: string): Example[] {
  const found = (examples as unknown as { name: string; examples: Example[] }[]).find(({ name }) => name === event);
  if (found === undefined) throw new Error(`there is no example of ${event}`);
  return found.examples;
}
