import { openJournal } from '../../infra/local/journal.ts';

/** Appends for ever and says on standard output what was acknowledged, until it is killed; the low limit forces compactions. */
const journal = openJournal(process.argv[2] as string, { compactAbove: 10_000 });
const entries = new Map<string, string>();
const log = journal.log<{ k: string; v: string }>('entries', {
  apply: ({ k, v }) => void entries.set(k, v),
  snapshot: () => Array.from(entries, ([k, v]) => ({ k, v })),
});
for (let i = 0; ; i++) {
  log.append({ k: `k${i}`, v: `${i}` });
  await journal.flushed();
  process.stdout.write(`${i}\n`);
}
