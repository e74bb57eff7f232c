import { createReadStream } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';
import * as z from 'zod/mini';
import { readLines, type Shape, TemplateMiner, type TemplateState } from '../../shared/diagnosis/templates/index.ts';
import { type Command, CommandFailure, type Io, UsageError } from '../command.ts';

/** Lines written at once. */
const BATCH = 500;

const states = z.array(
  z.object({
    length: z.number(),
    shapes: z.array(z.object({ text: z.string(), seen: z.number(), id: z.optional(z.string()) })),
  }),
);

interface Read {
  readonly file: string;
  readonly shapes: readonly Shape[];
}

export const templates: Command = {
  name: 'templates',
  summary: 'which messages a log consists of',
  usage: `Usage: qmoi templates FILE... [--json] [--state FILE]

Finds the message templates of logs: what its lines have in common, with <*> for numbers, ids, paths, hosts, times and other values.
Prints every template with how many lines it has. "-" reads standard input; what ends in .gz is unpacked.

  --json            instead, one object a line of input: { number, templateId, template } (and file, of several)
  --state FILE      templates known from earlier calls keep their ids; what is learnt is kept there`,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { json: { type: 'boolean' }, state: { type: 'string' } },
      allowPositionals: true,
    });
    if (positionals.length === 0) throw new UsageError('Name a file, or - for standard input.');
    const miner = new TemplateMiner();
    const kept = values.state === undefined ? undefined : resolve(io.cwd, values.state);
    const before = kept === undefined ? [] : await readState(kept);
    for (const state of before) miner.absorb(state);
    const all: Read[] = [];
    for (const file of positionals) all.push({ file, shapes: await learn(miner, file, io) });
    // Before anything is printed: a reader that goes away (`head`) ends the process.
    if (kept !== undefined) await keepState(kept, before, miner.changes());
    if (values.json) printLines(miner, all, io);
    else printTemplates(miner, all, io);
    return 0;
  },
};

async function learn(miner: TemplateMiner, file: string, io: Io): Promise<Shape[]> {
  const shapes: Shape[] = [];
  const read = async (source: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const line of readLines(source)) shapes.push(miner.learn(line));
  };
  try {
    if (file === '-') await read(io.stdin);
    else {
      const stream = createReadStream(resolve(io.cwd, file), { signal: io.signal });
      if (file.endsWith('.gz')) await pipeline(stream, createGunzip(), read);
      else await pipeline(stream, read);
    }
  } catch (error) {
    if (io.signal.aborted) throw error;
    throw new CommandFailure(`${file} cannot be read: ${(error as Error).message}`);
  }
  return shapes;
}

function printLines(miner: TemplateMiner, all: readonly Read[], io: Io): void {
  let batch: string[] = [];
  const flush = (): void => {
    if (batch.length > 0) io.out(batch.join('\n'));
    batch = [];
  };
  for (const { file, shapes } of all) {
    for (const [at, shape] of shapes.entries()) {
      const { id, text } = miner.templateOf(shape);
      const line = { number: at + 1, templateId: id, template: text };
      batch.push(JSON.stringify(all.length > 1 ? { file, ...line } : line));
      if (batch.length === BATCH) flush();
    }
  }
  flush();
}

function printTemplates(miner: TemplateMiner, all: readonly Read[], io: Io): void {
  const counts = new Map<string, { text: string; lines: number }>();
  for (const shape of all.flatMap(({ shapes }) => shapes)) {
    const { id, text } = miner.templateOf(shape);
    const count = counts.get(id) ?? { text, lines: 0 };
    count.lines++;
    counts.set(id, count);
  }
  for (const [id, { text, lines }] of [...counts].sort(([, a], [, b]) => b.lines - a.lines)) {
    io.out(`${String(lines).padStart(8)}  ${id}  ${text}`);
  }
}

async function readState(file: string): Promise<TemplateState[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  try {
    return states.parse(JSON.parse(text)) as TemplateState[];
  } catch {
    throw new CommandFailure(`${file} holds no templates; it is left as it is.`);
  }
}

/** Written beside and renamed, so that a crash leaves the old state or the new one. */
async function keepState(
  file: string,
  before: readonly TemplateState[],
  changed: readonly TemplateState[],
): Promise<void> {
  const byLength = new Map([...before, ...changed].map((state) => [state.length, state]));
  await writeFile(`${file}.new`, JSON.stringify([...byLength.values()]));
  await rename(`${file}.new`, file);
}
