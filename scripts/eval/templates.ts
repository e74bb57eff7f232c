import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Template, TemplateMiner } from '../../shared/diagnosis/templates/index.ts';

/** Published grouping accuracy of Drain and Brain on LogHub-2k. */
const PUBLISHED: Readonly<Record<string, readonly [number, number]>> = {
  HDFS: [0.998, 0.998],
  Hadoop: [0.948, 0.949],
  Spark: [0.92, 0.998],
  Zookeeper: [0.967, 0.988],
  BGL: [0.963, 0.986],
  HPC: [0.887, 0.945],
  Thunderbird: [0.955, 0.971],
  Windows: [0.997, 0.997],
  Linux: [0.69, 0.996],
  Android: [0.911, 0.961],
  HealthApp: [0.78, 1],
  Apache: [1, 1],
  Proxifier: [0.527, 1],
  OpenSSH: [0.788, 1],
  OpenStack: [0.733, 1],
  Mac: [0.787, 0.942],
};
/** Lines a second of Drain's Python code, as published. */
const DRAIN_LINES_PER_SECOND = 8_500;
const THROUGHPUT_LINES = 200_000;
const ROUNDS = 3;

interface System {
  readonly name: string;
  /** The messages, without what the logging framework put before them. */
  readonly messages: readonly string[];
  /** The lines as they are in the log. */
  readonly lines: readonly string[];
  readonly events: readonly string[];
}

export interface TemplateScore {
  readonly system: string;
  readonly lines: number;
  readonly templates: number;
  readonly events: number;
  readonly accuracy: number;
  /** Of whole log lines, whose header nobody has told the miner of. */
  readonly accuracyOfWholeLines: number;
  readonly drain: number | undefined;
  readonly brain: number | undefined;
}

export interface TemplateReport {
  readonly systems: readonly TemplateScore[];
  readonly average: number;
  readonly lowest: number;
  readonly averageOfWholeLines: number;
  readonly linesPerSecond: number;
  readonly timesDrain: number;
  readonly passed: boolean;
}

/** Runs the section on a data folder. Undefined: its data is not there. */
export async function evaluate(data: string): Promise<TemplateReport | undefined> {
  const systems = readSystems(join(data, 'templates', 'loghub_2k'));
  if (systems.length === 0) return undefined;
  const scores = systems.map(
    ({ name, messages, lines, events }): TemplateScore => ({
      system: name,
      lines: messages.length,
      templates: new Set(idsOf(messages)).size,
      events: new Set(events).size,
      accuracy: groupingAccuracy(idsOf(messages), events),
      accuracyOfWholeLines: groupingAccuracy(idsOf(lines), events),
      drain: PUBLISHED[name]?.[0],
      brain: PUBLISHED[name]?.[1],
    }),
  );
  const average = mean(scores.map(({ accuracy }) => accuracy));
  const lowest = Math.min(...scores.map(({ accuracy }) => accuracy));
  const linesPerSecond = throughput(systems.flatMap(({ messages }) => messages));
  const timesDrain = linesPerSecond / DRAIN_LINES_PER_SECOND;
  return {
    systems: scores,
    average,
    lowest,
    averageOfWholeLines: mean(scores.map((score) => score.accuracyOfWholeLines)),
    linesPerSecond: Math.round(linesPerSecond),
    timesDrain,
    passed: average >= 0.95 && lowest >= 0.9 && timesDrain >= 10,
  };
}

export function render(report: TemplateReport): string {
  const row = (cells: readonly string[]): string =>
    cells.map((cell, at) => (at ? cell.padStart(12) : cell.padEnd(12))).join('');
  const known = (name: 'drain' | 'brain') => mean(report.systems.flatMap((score) => score[name] ?? []));
  return [
    'Templates: grouping accuracy, one setting for all systems',
    row(['system', 'lines', 'events', 'templates', 'QMOI', 'whole lines', 'Drain', 'Brain']),
    ...report.systems.map((score) =>
      row([
        score.system,
        String(score.lines),
        String(score.events),
        String(score.templates),
        figure(score.accuracy),
        figure(score.accuracyOfWholeLines),
        figure(score.drain),
        figure(score.brain),
      ]),
    ),
    row([
      'average',
      '',
      '',
      '',
      figure(report.average),
      figure(report.averageOfWholeLines),
      figure(known('drain')),
      figure(known('brain')),
    ]),
    '',
    `lowest ${figure(report.lowest)} (wanted: average 0.950, none under 0.900)`,
    `${report.linesPerSecond.toLocaleString('en')} lines/s on one core, ${report.timesDrain.toFixed(1)} times Drain's published ${DRAIN_LINES_PER_SECOND.toLocaleString('en')} (wanted: 10)`,
  ].join('\n');
}

const figure = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(3));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function idsOf(lines: readonly string[]): string[] {
  const miner = new TemplateMiner();
  const shapes = lines.map((line) => miner.learn(line));
  return shapes.map((shape) => miner.templateOf(shape).id);
}

/** The share of lines whose group is exactly the group of their event (Zhu et al., ICSE SEIP 2019). */
export function groupingAccuracy(found: readonly string[], events: readonly string[]): number {
  const count = (keys: readonly string[]): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
    return counts;
  };
  const [byGroup, byEvent] = [count(found), count(events)];
  const both = count(found.map((group, at) => `${group}\u0000${events[at]}`));
  let right = 0;
  for (const [pair, lines] of both) {
    const [group = '', event = ''] = pair.split('\u0000');
    if (byGroup.get(group) === lines && byEvent.get(event) === lines) right += lines;
  }
  return right / events.length;
}

/** Lines in a second of processor time, from text to template; the best of some rounds, as the machine has other work as well. */
function throughput(messages: readonly string[]): number {
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const miner = new TemplateMiner();
    const started = process.cpuUsage();
    const templates = new Set<Template>();
    for (let at = 0; at < THROUGHPUT_LINES; at++) {
      templates.add(miner.templateOf(miner.learn(messages[at % messages.length] ?? '')));
    }
    const { user, system } = process.cpuUsage(started);
    const seconds = (user + system) / 1e6;
    best = Math.max(best, THROUGHPUT_LINES / seconds);
  }
  return best;
}

function readSystems(folder: string): System[] {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    return [];
  }
  return names.map((name) => {
    const [header = [], ...rows] = parseCsv(readFileSync(join(folder, name, `${name}_2k.log_structured.csv`), 'utf8'));
    const [content, event] = [header.indexOf('Content'), header.indexOf('EventId')];
    const full = rows.filter((row) => row.length >= header.length);
    return {
      name,
      messages: full.map((row) => row[content] ?? ''),
      events: full.map((row) => row[event] ?? ''),
      lines: readFileSync(join(folder, name, `${name}_2k.log`), 'utf8')
        .split(/\r?\n/)
        .slice(0, full.length),
    };
  });
}

/** RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  while (field.lastIndex < text.length) {
    const match = field.exec(text);
    if (!match) throw new Error(`malformed CSV at character ${field.lastIndex}`);
    row.push(match[1] === undefined ? (match[2] ?? '') : match[1].replaceAll('""', '"'));
    if (match[3] === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
