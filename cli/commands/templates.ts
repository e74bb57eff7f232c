import { readFile, rename, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod/mini';
import { readLines, TemplateMiner, type TemplateState } from '../../shared/diagnosis/templates/index.ts';
import { type Command, CommandFailure, type Io, UsageError } from '../command.ts';
import { type Rereadable, withRereadable } from '../read-log.ts';

/** Lines written at once. */
const BATCH = 500;
/** Templates listed, whatever a log is made of. */
const MAX_LISTED = 10_000;

const states = z.array(
  z.object({
    length: z.number(),
    shapes: z.array(z.object({ text: z.string(), seen: z.number(), id: z.optional(z.string()) })),
  }),
);

export const templates: Command = {
  name: 'templates',
  summary: 'which messages a log consists of',
  usage: `Usage: qmoi templates FILE... [--json] [--state FILE]

Finds the message templates of logs: what its lines have in common, with <*> for numbers, ids, paths, hosts, times and other values.
Prints every template with how many lines it has. "-" reads standard input; what is packed by gzip is unpacked.

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
    return withRereadable(positionals, io, async (logs) => {
      for (const { read } of logs) for await (const line of readLines(read())) miner.learn(line);
      // Before anything is printed: a reader that goes away (`head`) ends the process.
      if (kept !== undefined) await keepState(kept, before, miner.changes());
      await (values.json ? printLines(miner, logs, io) : printTemplates(miner, logs, io));
      return 0;
    });
  },
};

/** Twice over the logs: a template may become more general up to the last line, and lines are too many to be remembered. */
async function printLines(miner: TemplateMiner, logs: readonly Rereadable[], io: Io): Promise<void> {
  let batch: string[] = [];
  const flush = (): void => {
    if (batch.length > 0) io.out(batch.join('\n'));
    batch = [];
  };
  for (const { file, read } of logs) {
    let number = 0;
    for await (const text of readLines(read())) {
      const { id, text: template } = miner.find(text);
      const line = { number: ++number, templateId: id, template };
      batch.push(JSON.stringify(logs.length > 1 ? { file, ...line } : line));
      if (batch.length === BATCH) flush();
    }
  }
  flush();
}

async function printTemplates(miner: TemplateMiner, logs: readonly Rereadable[], io: Io): Promise<void> {
  const counts = new Map<string, { text: string; lines: number }>();
  let others = 0;
  for (const { read } of logs) {
    for await (const line of readLines(read())) {
      const { id, text } = miner.find(line);
      const count = counts.get(id);
      if (count !== undefined) count.lines++;
      else if (counts.size < MAX_LISTED) counts.set(id, { text, lines: 1 });
      else others++;
    }
  }
  for (const [id, { text, lines }] of [...counts].sort(([, a], [, b]) => b.lines - a.lines)) {
    io.out(`${String(lines).padStart(8)}  ${id}  ${text}`);
  }
  if (others > 0) io.out(`${String(others).padStart(8)}  of other templates`);
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
