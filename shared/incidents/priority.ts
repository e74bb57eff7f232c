import { SEVERITIES, type Severity, TERMS, type Terms } from '../model/index.ts';

/**
 * Severity and priority, of a failure and of an incident alike: points are added up, twenty are one step.
 *
 * | term | points |
 * | --- | --- |
 * | `cause` | the rule's own severity: low 20, medium 40, high 60, critical 80 |
 * | `blastRadius` | 10 for each doubling of repositories, up to 30; 10 for each tenfold of runs, up to 20 |
 * | `environment` | 20 where a deployment to production failed |
 * | `recurrence` | 10 when it came back once, 20 when it keeps coming back |
 * | `branch` | -20 on a branch that only its author works on |
 * | `automation` | 20 for revenue, 10 for deployment and monitoring, -10 for evolution |
 *
 * The first four say how bad it is: severity = low below 40, medium from 40, high from 60, critical from 80.
 * All of them say how soon it matters: priority = 5 - points / 20, from 1 (now) to 5 (some day).
 */
const CAUSE: Record<Severity, number> = { low: 20, medium: 40, high: 60, critical: 80 };
const STEP = 20;
const IMPACT = ['cause', 'blastRadius', 'environment', 'recurrence'] as const;

const PRODUCTION = 20;
const OWN_BRANCH = -20;
const AUTOMATION: Readonly<Record<string, number>> = { revenue: 20, deployment: 10, monitoring: 10, evolution: -10 };
const DOUBLING = { points: 10, most: 30 };
const TENFOLD = { points: 10, most: 20 };
const REGRESSION = 10;
const KEEPS_COMING = { episodes: 3, points: 20 };

/** Branches whose failures hold everybody up. */
const SHARED_BRANCH = /^(?:main|master|trunk|develop|production|release(?:[/-].*)?)$/;
const PRODUCTION_NAME = /^(?:prod|production|live)(?:[-_/ ].{0,100})?$/i;

export interface Circumstances {
  /** What the cause's rule says. */
  readonly severity: Severity;
  readonly branch?: string | undefined;
  readonly environment?: string | undefined;
  /** The category of the automation: revenue, evolution, testing, deployment, monitoring. */
  readonly automation?: string | undefined;
}

/** The terms of one failure by itself; what it shares with others (`spread`) is not known yet. */
export function termsOf({ severity, branch, environment, automation }: Circumstances): Terms {
  return {
    cause: CAUSE[severity],
    blastRadius: 0,
    environment: environment !== undefined && PRODUCTION_NAME.test(environment) ? PRODUCTION : 0,
    recurrence: 0,
    branch: branch !== undefined && !SHARED_BRANCH.test(branch) ? OWN_BRANCH : 0,
    automation: AUTOMATION[automation ?? ''] ?? 0,
  };
}

/** The terms that only an incident has: how far it reaches, and how often it has come back. */
export function spread(of: {
  repositories: number;
  runs: number;
  episode: number;
}): Pick<Terms, 'blastRadius' | 'recurrence'> {
  const wide = Math.min(DOUBLING.most, DOUBLING.points * Math.floor(Math.log2(Math.max(1, of.repositories))));
  const often = Math.min(TENFOLD.most, TENFOLD.points * Math.floor(Math.log10(Math.max(1, of.runs))));
  const recurrence = of.episode >= KEEPS_COMING.episodes ? KEEPS_COMING.points : of.episode > 1 ? REGRESSION : 0;
  return { blastRadius: wide + often, recurrence };
}

const sum = (terms: Terms, names: readonly (keyof Terms)[]): number =>
  names.reduce((points, name) => points + terms[name], 0);

export function severityOf(terms: Terms): Severity {
  const level = Math.floor(sum(terms, IMPACT) / STEP) - 1;
  return SEVERITIES[Math.min(SEVERITIES.length - 1, Math.max(0, level))] as Severity;
}

/** 1 (now) to 5 (some day). */
export const priorityOf = (terms: Terms): number => Math.min(5, Math.max(1, 5 - Math.floor(sum(terms, TERMS) / STEP)));
