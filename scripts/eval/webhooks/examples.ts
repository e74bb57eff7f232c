import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type Example, isObject, type Json, textIn } from './carried.ts';
import { type Planned, plan } from './deliver.ts';
import { BRAKET, CDEVENT, CDEVENTS, cdEventName, VERCEL } from './events.ts';
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

export function cdEventExample(name: string, payload: Json): Planned {
  const event = cdEventName(payload);
  return plan({ platform: 'events', name, event, payload }, CDEVENTS.includes(event) ? CDEVENT : undefined, false);
}

/** CloudEvents that say nothing of automation; those of another version are kept to be looked at. */
const cloudEventExample = (name: string, attributes: Json, data: unknown): Planned => {
  const { Extensions, ...rest } = attributes;
  const payload = { ...rest, ...(isObject(Extensions) ? Extensions : {}), specversion: String(rest.specversion), data };
  // A number in YAML.
  if (payload.specversion === '1') payload.specversion = '1.0';
  const example = { platform: 'events', name, event: 'CloudEvent', payload };
  return { example, expected: payload.specversion === '1.0' ? 'ignored' : 'quarantined', fields: [] };
};

function eventExamples(folder: string): Planned[] {
  if (!existsSync(folder)) return [];
  const read = (path: string) => (existsSync(join(folder, path)) ? filesIn(join(folder, path)) : []);
  const conformance = join(folder, 'cloudevents-conformance', 'yaml');
  const yaml = existsSync(conformance) ? readdirSync(conformance, { recursive: true, encoding: 'utf8' }) : [];
  return [
    ...read('vercel').map(({ name, json }) => {
      const event = textIn(json, 'type') ?? '';
      return plan({ platform: 'vercel', name, event, payload: json }, VERCEL, false);
    }),
    ...read('braket').map(({ name, json }) => {
      const event = textIn(json, 'detail-type') ?? '';
      return plan({ platform: 'braket', name, event, payload: json }, BRAKET[event], false);
    }),
    ...read(join('cdevents', 'conformance')).map(({ name, json }) => cdEventExample(name, json)),
    ...yaml
      .filter((file) => file.endsWith('.yaml'))
      .sort()
      .flatMap((file) =>
        parseAllDocuments(readFileSync(join(conformance, file), 'utf8')).flatMap((document, index) => {
          const message: unknown = document.toJS();
          if (!isObject(message) || !isObject(message.ContextAttributes)) return [];
          return [cloudEventExample(`${file} #${index + 1}`, message.ContextAttributes, message.Data)];
        }),
      ),
  ];
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
    ...eventExamples(join(data, 'events')),
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
