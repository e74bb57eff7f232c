import { hasDigit, kind, LETTER } from './characters.ts';

// Every pattern here is anchored and bounded by the chunk that it is tried on.
const LEVEL =
  /^[[(]?(?:trace|debug|info|information|notice|warn|warning|error|severe|fatal|failure|critical|alert|emerg|[vdiwef])[\])]?:?$/i;
const TIME =
  /^[[(]?(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d[-/.]\d\d(?:[-/.]\d\d(?:\d\d)?)?$|\d{1,2}:\d\d(?::\d\d)?|\d{6,8}$|\d{10}(?:\d{3})?$)/;
const MONTH = /^(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)$/;
const CLOCK = /^\d{1,2}:\d\d:\d\d/;
const LOGGER = /^[A-Za-z_$][\w$./-]*(?:\[\d+\]|\([\w-]+\))*:$|^[a-z_]\w*(?:\.[\w$]+){2,}:?$/;
const HEADER = 12;
const MAX_PLAIN_BEFORE_LEVEL = 3;

/** Where a line's own words begin, after the time, the level and the logger that log frameworks and syslog put before them. */
export function contentStart(chunks: readonly string[]): number {
  const first = chunks[0];
  if (first === undefined) return 0;
  const code = first.charCodeAt(0);
  const lead = code < 128 ? kind[code] : 0;
  if (MONTH.test(first) && CLOCK.test(chunks[2] ?? '')) return isSyslog(chunks, 0) ? SYSLOG : 0;
  // Cheap for the many lines that begin with a word.
  if (lead === LETTER && !hasDigit(first)) return 0;
  if (lead === 0 && code !== 45) return 0;
  let timed = false;
  let plain = 0;
  for (let at = 0; at < HEADER && at < chunks.length - 1; at++) {
    const chunk = chunks[at] as string;
    if (timed && MONTH.test(chunk) && isSyslog(chunks, at)) return at + SYSLOG;
    if (timed && LEVEL.test(chunk)) return afterLogger(chunks, at + 1);
    if (TIME.test(chunk)) timed = true;
    else if (!hasDigit(chunk) && chunk !== '-' && ++plain > MAX_PLAIN_BEFORE_LEVEL) return 0;
  }
  return 0;
}

/** `Jun 14 15:16:01 host program[1]:`, with something after it. */
const SYSLOG = 5;
const isSyslog = (chunks: readonly string[], at: number): boolean =>
  CLOCK.test(chunks[at + 2] ?? '') && chunks[at + 4]?.endsWith(':') === true && chunks.length > at + SYSLOG;

/** After `- [thread] logger: [request]`; as much of it as there is, and never the whole line. */
function afterLogger(chunks: readonly string[], from: number): number {
  let at = from;
  let named = false;
  while (at < chunks.length - 1) {
    const chunk = chunks[at] as string;
    if (chunk === '-' || chunk === ':') at++;
    else if (chunk.startsWith('[')) {
      let end = at;
      while (end < at + HEADER && end < chunks.length && !(chunks[end] as string).includes(']')) end++;
      if (end >= at + HEADER || end >= chunks.length - 1) return at;
      // `[instance: …]` and `[client …]` say something of their own.
      if (named && end > at && chunk.endsWith(':')) return at;
      at = end + 1;
    } else if (!named && LOGGER.test(chunk)) {
      named = true;
      at++;
    } else return at;
  }
  return at;
}
