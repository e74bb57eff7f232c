/** One row of the closing table: what it counts, and how much of it. */
export type Figures = Readonly<Record<string, number>>;

const OUTCOMES = ['succeeded', 'failed', 'timed-out', 'canceled', 'skipped', 'not ended'] as const;

/** The rows of the table in order, under their headings. Measured and true figures have all of them and no others. */
export const ROWS = {
  Deliveries: ['sent', 'kept', 'quarantined', 'duplicates', 'ignored', 'turned away', 'unrecorded'],
  Runs: ['all attempts', 'later attempts', ...OUTCOMES],
  Jobs: ['all attempts', ...OUTCOMES],
  Runners: ['hosted', 'self-hosted'],
  Failures: ['runner', 'automation', 'system', 'network', 'performance', 'unknown', 'undiagnosed', 'made good'],
  Incidents: ['all', 'open', 'fixing', 'resolved', 'escalated'],
  Fixes: ['tried', 'verified', 'failed', 'refused', 'undecided'],
  'Asked for': ['reruns at GitHub', 'retries at GitLab', 'runs asked for twice'],
  Notifications: ['incident opened', 'incident resolved', 'needs you', 'emergency', 'not sent'],
} as const;

export type Section = keyof typeof ROWS;
export type RowName = { [S in Section]: `${S}: ${(typeof ROWS)[S][number]}` }[Section];

export const ROW_NAMES = (Object.keys(ROWS) as Section[]).flatMap((section) =>
  ROWS[section].map((row) => `${section}: ${row}` as RowName),
);

/** Counts what it is told of; rows that nobody told of are 0. */
export class Tally {
  readonly #counts = new Map<string, number>(ROW_NAMES.map((name) => [name, 0]));

  add(row: RowName, count = 1): void {
    this.#counts.set(row, (this.#counts.get(row) ?? 0) + count);
  }

  figures(): Figures {
    return Object.fromEntries(this.#counts);
  }
}

/** Statements about single things, by their names: what the figures sum up. */
export type Facts = Readonly<Record<string, string>>;

export interface Outcome {
  readonly figures: Figures;
  readonly facts: Facts;
}

export const outcomeRow = (section: 'Runs' | 'Jobs', status: string): RowName =>
  (OUTCOMES as readonly string[]).includes(status)
    ? (`${section}: ${status}` as RowName)
    : (`${section}: not ended` as RowName);

/** Names by which both sides speak of the same things. */
export const name = {
  run: (key: string, attempt: number) => `run ${key} #${attempt}`,
  job: (key: string, job: string, attempt: number) => `${key} / ${job} #${attempt}`,
  /** One for a GitHub run's failed jobs together, one for each of GitLab's. */
  fix: (platform: string, key: string, jobs: readonly string[], attempt: number) =>
    `fix of ${key}${platform === 'github' ? '' : ` / ${jobs.join(', ')}`} #${attempt}`,
  incident: (failures: readonly string[]) => `incident of ${[...failures].sort()[0] ?? 'nothing'}`,
};

export const describe = {
  failure: (of: { category: string; cause: string; transient: boolean | null }) =>
    `${of.category}/${of.cause}, ${of.transient === null ? 'nobody knows' : of.transient ? 'transient' : 'no use to rerun'}`,
  incident: (status: string, failures: readonly string[]) => `${status}: ${[...failures].sort().join('; ')}`,
};
