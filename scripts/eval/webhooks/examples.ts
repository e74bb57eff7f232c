import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Example, isObject, type Json, textIn } from './carried.ts';
import { type Planned, plan } from './deliver.ts';
import { GITHUB, GITHUB_NOTICES } from './github.ts';
import { GITLAB, HEADERS, isNotice } from './gitlab.ts';

interface OctokitExamples {
  readonly name: string;
  readonly examples: readonly Json[];
}

/** GitHub's own examples, as Octokit collects them. */
export const githubExamples = (collected: readonly OctokitExamples[]): Planned[] =>
  collected.flatMap(({ name, examples }) =>
    examples.map((payload, index) =>
      plan(
        { platform: 'github', name: `#${index + 1}`, event: name, payload },
        Object.hasOwn(GITHUB, name) ? GITHUB[name] : undefined,
        GITHUB_NOTICES.includes(name),
      ),
    ),
  );

/** `system`: from a hook of the whole instance. */
export function gitlabExample(name: string, payload: Json, system: boolean): Planned {
  const kind = textIn(payload, 'object_kind') ?? '';
  const event = system ? 'System Hook' : (HEADERS[kind] ?? 'Emoji Hook');
  return plan(
    { platform: 'gitlab', name, event, payload } satisfies Example,
    Object.hasOwn(GITLAB, event) ? GITLAB[event] : undefined,
    isNotice(event, payload),
  );
}

/** Every example in a folder of data. Undefined: it is not there. */
export function examplesIn(data: string): Planned[] | undefined {
  const github = join(data, 'webhooks', 'github', 'octokit-examples.json');
  const gitlab = join(data, 'webhooks', 'xanzy-go-gitlab', 'testdata');
  if (!existsSync(github) || !existsSync(gitlab)) return undefined;
  return [
    ...githubExamples(JSON.parse(readFileSync(github, 'utf8')) as OctokitExamples[]),
    ...filesIn(join(gitlab, 'webhooks')).map(({ name, json }) => gitlabExample(name, json, false)),
    ...filesIn(join(gitlab, 'systemhooks')).map(({ name, json }) => gitlabExample(name, json, true)),
  ];
}

function filesIn(folder: string): { name: string; json: Json }[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .flatMap((file) => {
      const json: unknown = JSON.parse(readFileSync(join(folder, file), 'utf8'));
      return isObject(json) ? [{ name: basename(file, '.json'), json }] : [];
    });
}
