import { redact } from '../../../shared/diagnosis/index.ts';
import { bugSwarm, ciDiff, linesOf, logChunks, pytorch, veloren } from './corpus.ts';
import { rounded } from './where.ts';

export interface RedactionRow {
  readonly what: string;
  readonly lines: number;
  readonly perThousand: number;
}

/** Real logs have many lines; so many are passed over for each one looked at. */
const STRIDE = 4;
const MASKED = /\[(?:secure|masked|redacted)\]|\*{3,}/i;

/**
 * What redaction takes out of public logs, whose secrets their platforms have masked already: all but addresses of people
 * and what stood beside a mask is taken out for nothing.
 */
export function redactions(data: string): RedactionRow[] {
  const counts = {
    'lines read': 0,
    'an e-mail address': 0,
    'beside a mask': 0,
    'a base64 dump': 0,
    'anything else': 0,
  };
  const logs = [...logChunks(data), ...veloren(data), ...ciDiff(data), ...pytorch(data), ...bugSwarm(data)];
  let place = 0;
  for (const { bytes } of logs)
    for (const line of linesOf(bytes)) {
      if (place++ % STRIDE !== 0) continue;
      counts['lines read']++;
      const clean = redact(line);
      if (clean === line) continue;
      if (!clean.includes('[redacted]')) counts['an e-mail address']++;
      else if (MASKED.test(line)) counts['beside a mask']++;
      else if (clean.trim() === '[redacted]') counts['a base64 dump']++;
      else counts['anything else']++;
    }
  const total = counts['lines read'];
  return Object.entries(counts).map(([what, lines]) => ({ what, lines, perThousand: rounded((1000 * lines) / total) }));
}
