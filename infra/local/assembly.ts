import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Template } from './cloudformation.ts';

/** A CDK cloud assembly on disk: one stack, its template and where its assets lie. */
export interface Assembly {
  readonly stackName: string;
  readonly template: Template;
  /** The folder that a zip asset was made of, by the key that `Code.S3Key` names. */
  assetFolder(objectKey: string): string;
}

interface Manifest {
  readonly artifacts?: Readonly<
    Record<
      string,
      { readonly type: string; readonly properties?: { readonly templateFile?: string; readonly file?: string } }
    >
  >;
}

interface AssetManifest {
  readonly files?: Readonly<
    Record<
      string,
      {
        readonly source: { readonly path?: string; readonly packaging?: string };
        readonly destinations: Readonly<Record<string, { readonly objectKey: string }>>;
      }
    >
  >;
}

/** Throws with one clear sentence when the folder holds no assembly, or one of several stacks. */
export function readAssembly(folder: string): Assembly {
  const read = <T>(file: string): T => JSON.parse(readFileSync(join(folder, file), 'utf8')) as T;
  if (!existsSync(join(folder, 'manifest.json'))) {
    throw new Error(`There is no CDK cloud assembly in ${resolve(folder)} (manifest.json is missing).`);
  }
  const artifacts = Object.entries(read<Manifest>('manifest.json').artifacts ?? {});
  const stacks = artifacts.filter(([, { type }]) => type === 'aws:cloudformation:stack');
  const [stack] = stacks;
  const templateFile = stack?.[1].properties?.templateFile;
  if (!stack || stacks.length > 1 || !templateFile) {
    throw new Error(
      `The embedded host runs an assembly of exactly one stack; ${resolve(folder)} has ${stacks.length}.`,
    );
  }
  const folders = new Map<string, string>();
  for (const [, { type, properties }] of artifacts) {
    if (type !== 'cdk:asset-manifest' || !properties?.file) continue;
    for (const { source, destinations } of Object.values(read<AssetManifest>(properties.file).files ?? {})) {
      if (source.packaging !== 'zip' || !source.path) continue;
      for (const { objectKey } of Object.values(destinations)) folders.set(objectKey, join(folder, source.path));
    }
  }
  return {
    stackName: stack[0],
    template: read<Template>(templateFile),
    assetFolder(objectKey) {
      const found = folders.get(objectKey);
      if (!found || !existsSync(found)) throw new Error(`The assembly lacks the asset ${objectKey}.`);
      // Modules are known by their real path, also where an assembly links to another one's assets.
      return realpathSync(found);
    },
  };
}
