import * as z from 'zod/mini';
import { redact } from '../../diagnosis/redact.ts';
import { readSchedule, ScheduleError, secondsOf } from '../../schedule/index.ts';
import { cut, timeOf } from '../clean.ts';
import { jsonOf, mediaTypeOf, mismatchOf } from '../request.ts';
import { type Beat, type CommandResult, MAX_MESSAGE, MAX_RESULTS, result, sent } from './kept.ts';

/** Reads what is sent: the short forms (query, form, text) are read into the full one, which is made fit to be kept. */

/** Names of the short form; each is one of the full form. */
const SHORT: Readonly<Record<string, string>> = {
  id: 'runId',
  exit: 'exitCode',
  msg: 'message',
  exit_code: 'exitCode',
  run_id: 'runId',
};
const OF_SCHEDULE = new Set(['cron', 'zone', 'every', 'grace']);
const OF_TEXT = new Set([
  ...['source', 'platform', 'status', 'run', 'runId', 'duration', 'message', 'at'],
  ...['repository', 'branch', 'commit', 'environment', 'url', 'maintenance'],
]);
const OF_NUMBER = new Set(['exitCode', 'interval']);

type Read = { readonly beat: Beat } | { readonly mistake: string; readonly status: 400 | 415 };
const mistake = (text: string, status: 400 | 415 = 400): Read => ({ mistake: text, status });

/** Reads a heartbeat from its query and body; the body wins. Never throws. */
export function readBeat(query: Readonly<Record<string, string | undefined>>, contentType: string, body: Buffer): Read {
  const told: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(query)) {
    const wrong = value === undefined ? undefined : put(told, key, value);
    if (wrong !== undefined) return mistake(wrong);
  }
  if (body.byteLength > 0) {
    const wrong = readBody(told, mediaTypeOf(contentType), body.toString('utf8'));
    if (wrong !== undefined) return wrong;
  }
  const parsed = sent.safeParse(told);
  if (!parsed.success) return mistake(inWords(parsed.error));
  try {
    return { beat: tidied(parsed.data) };
  } catch (error) {
    if (error instanceof ScheduleError) return mistake(error.message);
    throw error;
  }
}

function readBody(told: Record<string, unknown>, mediaType: string, text: string): Read | undefined {
  if (mediaType === 'application/json') {
    const json = jsonOf(text);
    if (json === null || typeof json !== 'object' || Array.isArray(json)) return mistake('the body is no JSON object');
    // By definition, not by assignment: `__proto__` is a key like any other, and refused as an unknown one.
    for (const [key, value] of Object.entries(json)) Object.defineProperty(told, key, { value, ...ORDINARY });
    return undefined;
  }
  if (mediaType === 'text/plain' || mediaType === 'application/octet-stream') {
    told.message = text;
    return undefined;
  }
  if (mediaType !== 'application/x-www-form-urlencoded' && mediaType !== '') {
    return mistake('send application/json, a form, or text/plain for a message', 415);
  }
  for (const [key, value] of new URLSearchParams(text)) {
    const wrong = put(told, key, value);
    if (wrong !== undefined) return mistake(wrong);
  }
  return undefined;
}

const ORDINARY = { enumerable: true, writable: true, configurable: true } as const;

/** Puts one name of the short form where it belongs; the sentence that says why not. An empty value says nothing. */
function put(told: Record<string, unknown>, key: string, value: string): string | undefined {
  const field = Object.hasOwn(SHORT, key) ? SHORT[key] : key;
  if (value.trim() === '') return undefined;
  if (OF_SCHEDULE.has(key)) {
    told.schedule = { ...(told.schedule as object | undefined), [key]: value };
    return undefined;
  }
  if (field !== undefined && OF_NUMBER.has(field)) {
    if (!/^-?\d{1,10}$/.test(value.trim())) return `${field}: expected a number`;
    told[field] = Number(value);
    return undefined;
  }
  if (field === undefined || !OF_TEXT.has(field)) return `there is no "${cut(key, 32)}" in a heartbeat`;
  told[field] = value;
  return undefined;
}

function inWords(error: z.core.$ZodError): string {
  const [issue] = error.issues;
  if (issue?.code === 'unrecognized_keys') return `there is no "${cut(issue.keys[0] ?? '', 32)}" in a heartbeat`;
  return issue?.path[0] === 'source'
    ? 'source: a name of up to 80 letters, digits and . _ / + - is needed'
    : mismatchOf(error);
}

function tidied(told: z.infer<typeof sent>): Beat {
  const { message, duration: lasted, schedule, at, maintenance, results: _, ...rest } = told;
  const declared = schedule && readSchedule(schedule);
  const time = timeOf(at);
  return {
    ...rest,
    ...(lasted !== undefined && { duration: typeof lasted === 'number' ? lasted : durationOf(lasted) }),
    ...(maintenance !== undefined && {
      maintenance:
        typeof maintenance === 'number' ? maintenance : maintenance.trim() === 'end' ? 0 : secondsOf(maintenance),
    }),
    ...(declared !== undefined && { schedule: declared }),
    ...(time !== undefined && { at: time }),
    ...(message?.trim() && { message: tail(redact(message.trim().slice(-4 * MAX_MESSAGE))) }),
  };
}

/** `time`'s fractions of seconds too. */
const durationOf = (text: string): number => (/^\d{1,9}\.\d{1,9}$/.test(text.trim()) ? Number(text) : secondsOf(text));

/** Why something failed stands at the end of what it printed. */
const tail = (text: string): string => (text.length <= MAX_MESSAGE ? text : `…${text.slice(1 - MAX_MESSAGE)}`);

/** The results of commands that a verified JSON heartbeat brings. */
export function resultsIn(contentType: string, body: Buffer): CommandResult[] {
  if (mediaTypeOf(contentType) !== 'application/json') return [];
  const parsed = z.object({ results: z.array(result) }).safeParse(jsonOf(body.toString('utf8')));
  return parsed.success ? parsed.data.results.slice(0, MAX_RESULTS) : [];
}
