import { Cron } from 'croner';

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names of the values from `min` on. */
  readonly names?: readonly string[];
}

const MINUTE: Field = { name: 'minute', min: 0, max: 59 };
const HOUR: Field = { name: 'hour', min: 0, max: 23 };
const DAY: Field = { name: 'day-of-month', min: 1, max: 31 };
const MONTH: Field = {
  name: 'month',
  min: 1,
  max: 12,
  names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
};
const WEEKDAY: Field = {
  name: 'day-of-week',
  min: 1,
  max: 7,
  names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'],
};
const YEAR: Field = { name: 'year', min: 1970, max: 2199 };

/** Matches on wall-clock time: `next` takes and gives what a calendar and clock show, as if in UTC. */
export interface WallCron {
  next(after: number): number | null;
}

/**
 * The six fields of AWS (minute hour day-of-month month day-of-week year). Values are listed one by one for croner, whose own
 * grammar counts weekdays from 0 and takes more than AWS does. Throws one sentence for what AWS refuses or croner has no word for.
 */
export function parseCron(text: string): WallCron {
  const fields = text.trim().split(/\s+/);
  const [minute, hour, day, month, weekday, year] = fields;
  if (
    fields.length !== 6 ||
    minute === undefined ||
    hour === undefined ||
    day === undefined ||
    month === undefined ||
    weekday === undefined ||
    year === undefined
  ) {
    throw new Error('cron() takes six fields: minute hour day-of-month month day-of-week year');
  }
  if ((day === '?') === (weekday === '?')) {
    throw new Error('exactly one of day-of-month and day-of-week has to be "?"');
  }
  const pattern = [
    '0',
    list(minute, MINUTE),
    list(hour, HOUR),
    dayOfMonth(day),
    list(month, MONTH),
    dayOfWeek(weekday),
    list(year, YEAR),
  ].join(' ');
  const cron = new Cron(pattern, { mode: '7-part', timezone: 'UTC', paused: true });
  return { next: (after) => cron.nextRun(new Date(after))?.getTime() ?? null };
}

function dayOfMonth(text: string): string {
  if (text === '?') return '*';
  if (text === 'L' || text === 'LW') return text;
  if (text.endsWith('W')) return `${value(text.slice(0, -1), DAY)}W`;
  return list(text, DAY);
}

function dayOfWeek(text: string): string {
  if (text === '?') return '*';
  // The last day of the week, as AWS's week begins on Sunday.
  if (text === 'L') return '6';
  const [day = '', nth, ...more] = text.split('#');
  if (nth !== undefined) {
    if (more.length > 0 || !/^[1-5]$/.test(nth)) {
      throw new Error(`"${text}" in day-of-week is no single weekday with # and 1 to 5`);
    }
    return `${value(day, WEEKDAY) - 1}#${nth}`;
  }
  if (text.endsWith('L')) return `${value(text.slice(0, -1), WEEKDAY) - 1}L`;
  return list(text, WEEKDAY, -1);
}

function list(text: string, field: Field, shift = 0): string {
  if (text === '*') return '*';
  const values = new Set<number>();
  for (const item of text.split(',')) {
    for (const each of valuesOf(item, field)) values.add(each + shift);
  }
  return [...values].sort((a, b) => a - b).join(',');
}

function valuesOf(item: string, field: Field): number[] {
  const [span = '', every, ...more] = item.split('/');
  const [from = '', to, ...rest] = span.split('-');
  if (more.length > 0 || rest.length > 0) throw new Error(`"${item}" is no value of ${field.name}`);
  const first = from === '*' && to === undefined ? field.min : value(from, field);
  const last = to === undefined ? (every === undefined && from !== '*' ? first : field.max) : value(to, field);
  if (last < first) throw new Error(`"${item}" in ${field.name} runs backwards; list its parts instead`);
  const step = every === undefined ? 1 : stepOf(every, field);
  const values: number[] = [];
  for (let each = first; each <= last; each += step) values.push(each);
  return values;
}

function stepOf(text: string, field: Field): number {
  const step = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (step < 1 || step > field.max) throw new Error(`"/${text}" is no step of ${field.name}`);
  return step;
}

function value(text: string, field: Field): number {
  const named = field.names?.indexOf(text.toUpperCase()) ?? -1;
  if (named !== -1) return field.min + named;
  const number = /^\d{1,4}$/.test(text) ? Number(text) : -1;
  if (number < field.min || number > field.max) throw new Error(`"${text}" is no value of ${field.name}`);
  return number;
}
