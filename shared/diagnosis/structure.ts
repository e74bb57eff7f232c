/** A stretch of the log that belongs to one step. Line order is kept in `id`. */
export interface Section {
  readonly id: number;
  /** `Run npm test`, `step_script`; empty when the log does not say. */
  readonly name: string;
  /** Runs after the outcome is decided (post actions, after_script): cannot explain the failure. */
  readonly aside: boolean;
  /** Line at which it begins. */
  readonly startAt: number;
  /** Line of the last error the platform itself marked; 0 without. */
  errorAt: number;
  /** Line at which the next section begins; 0 at the end of the log. */
  nextAt: number;
}

export interface Reading {
  readonly text: string;
  readonly section: Section;
  /** The platform's own `##[error]`. */
  readonly annotated: boolean;
  readonly warning: boolean;
}

/** Literals of the lines that `LogStructure` has to see. */
export const structureLiterals = [
  '##[',
  'section_start:',
  'section_end:',
  'Post job cleanup.',
  'travis_time:start:',
  'travis_fold:',
  'exited with ',
  'marked build as ',
  'script returned exit code',
  'Your build has been stopped',
  'Exited with code exit status',
  '[Pipeline] { (',
  'skipped due to earlier failure',
  '~~~ ',
  '+++ ',
  '--- ',
  'Error: The command exited with status',
] as const;

const GITLAB_MARKER = /section_(start|end):\d{1,12}:([\w.-]{1,100})/;
/** Stages of the GitLab runner; sections of other names are the job's own and lie inside one of these. */
const GITLAB_STAGE =
  /^(?:prepare_executor|prepare_script|get_sources|restore_cache|download_artifacts|resolve_secrets|step_\w+|build_script|release|after_script|archive_cache\w*|upload_artifacts\w*|cleanup_file_variables|cleanup_exec)$/;
const GITLAB_ASIDE = /^(?:after_script|archive_cache\w*|upload_artifacts_on_failure|cleanup_\w+)$/;
const GITHUB_MARKER = /^##\[(\w{1,20})\]/;
const ECHO = /^(?:\$ |\+{1,4} )/;
/** Travis CI closes each command with its status; a long command is quoted over several lines. */
const TRAVIS_STATUS = /" (?:failed and )?exited with (\d{1,5})\b/;
const TRAVIS_ASIDE = /^(?:after_|before_cache|cache\.|after\.)/;
/** Jenkins (freestyle and pipeline) and CircleCI say in one line that the step before it failed. */
const FAILED_STEP =
  /^(?:Build step '.{1,200}' marked build as failure|ERROR: script returned exit code \d{1,5}|Exited with code exit status [1-9]\d{0,4})$/;

/** A stage of a Jenkins pipeline; what is declared under `post` runs whatever the outcome. */
const JENKINS_STAGE = /^\[Pipeline\] \{ \((.{1,200})\)$/;
const JENKINS_ASIDE = /^Declarative: Post /;
/** Buildkite's groups. Diffs and documents have such lines too: only a log that begins as Buildkite's does has groups. */
const BUILDKITE_FIRST = /^~~~ (?:Preparing|Running|:\w{1,40}:)/;
const BUILDKITE_GROUP = /^(?:~~~|---|\+\+\+) (\S.{0,200})$/;
const BUILDKITE_ASIDE =
  /^(?:Running (?:global |local |plugin |agent |repository )?.{0,60}(?:pre-exit|post-command|post-artifact)|Uploading artifacts)/;
const BUILDKITE_FAILED = /^\S{0,4} ?Error: The command exited with status [1-9]\d{0,4}/u;

const MAX_FAILING = 64;

/** Follows the markers of the platforms' job logs, which say where a step begins and what the platform calls an error. */
export class LogStructure {
  #sections = 0;
  #current: Section = { id: 0, name: '', aside: false, startAt: 0, errorAt: 0, nextAt: 0 };
  #lastStage: Section | undefined;
  readonly #failing: Section[] = [];
  #inScript = false;
  #travis = false;
  #buildkite = false;
  /** The last stage of a Jenkins pipeline before the current one. */
  #stage: Section | undefined;
  #onFailure: (section: Section, at: number) => void = () => {};

  /** `listener` hears of each section that the platform calls failed, at the line that says so. */
  onFailure(listener: (section: Section, at: number) => void): void {
    this.#onFailure = listener;
  }

  get current(): Section {
    return this.#current;
  }

  /**
   * Undefined for lines that are not output: markers, the echoed script, debug lines. `marked`: the line holds one of
   * the `structureLiterals`.
   */
  read(text: string, number: number, marked: boolean): Reading | undefined {
    if (marked || text.startsWith('travis_')) {
      const marker = this.#marker(text, number);
      if (marker !== 'none') return marker;
    }
    if (this.#inScript || ECHO.test(text)) return undefined;
    return { text, section: this.#current, annotated: false, warning: false };
  }

  #marker(text: string, number: number): Reading | undefined | 'none' {
    const stage = text.includes('section_') ? GITLAB_MARKER.exec(text) : null;
    if (stage) {
      this.#atStage(number, stage[1] === 'start', stage[2] ?? '');
      return undefined;
    }
    const marker = text.startsWith('##[') ? GITHUB_MARKER.exec(text) : null;
    if (marker) return this.#atMarker(number, marker[1] ?? '', text.slice(marker[0].length));
    if (text === 'Post job cleanup.') {
      this.#open(number, '', true);
      return undefined;
    }
    return this.#atStatus(text, number) ? undefined : 'none';
  }

  /**
   * The sections that explain the failure, in order; undefined when the log does not tell.
   * GitLab: the last stage that ran before the outcome. GitHub: steps with an error annotation,
   * of which the step the platform names as failed is the only one when the log shows it.
   */
  failing(failedStep?: string): ((section: Section) => boolean) | undefined {
    const last = this.#lastStage;
    // A log with more failing steps than are remembered explains nothing by its steps.
    if (!last && this.#failing.length === MAX_FAILING) return undefined;
    if (last) return (section) => section === last;
    const steps = this.#failing.filter((section) => !section.aside);
    const named = failedStep ? steps.filter((section) => section.name === failedStep) : [];
    const chosen = new Set(named.length > 0 ? named : steps.length > 0 ? steps : this.#failing);
    return chosen.size > 0 ? (section) => chosen.has(section) : undefined;
  }

  #open(number: number, name: string, aside: boolean): Section {
    this.#current.nextAt = number;
    this.#current = { id: ++this.#sections, name, aside, startAt: number, errorAt: 0, nextAt: 0 };
    return this.#current;
  }

  #atStage(number: number, start: boolean, name: string): void {
    if (!GITLAB_STAGE.test(name)) return;
    if (start) {
      const section = this.#open(number, name, GITLAB_ASIDE.test(name));
      if (!section.aside) this.#lastStage = section;
    } else if (this.#lastStage) {
      if (!this.#current.aside) this.#onFailure(this.#lastStage, number);
      // What the runner prints between stages, its last word above all, is about the stage that decided the outcome.
      this.#current = this.#lastStage;
    }
  }

  #atMarker(number: number, kind: string, rest: string): Reading | undefined {
    if (kind === 'group') {
      this.#inScript = rest.startsWith('Run ');
      if (this.#inScript) this.#open(number, rest, false);
      return undefined;
    }
    // Azure Pipelines.
    const starting = kind === 'section' ? /^(Starting|Finishing): (.{1,200})$/.exec(rest) : null;
    if (starting) this.#open(number, starting[1] === 'Starting' ? (starting[2] ?? '') : '', false);
    if (kind === 'endgroup') this.#inScript = false;
    if (kind !== 'error' && kind !== 'warning') return undefined;
    this.#inScript = false;
    const section = this.#current;
    if (kind === 'error') this.#fail(section, number);
    return { text: rest, section, annotated: kind === 'error', warning: kind === 'warning' };
  }

  #fail(section: Section, number: number): void {
    if (section.errorAt === 0 && this.#failing.length < MAX_FAILING) this.#failing.push(section);
    section.errorAt = number;
    this.#onFailure(section, number);
  }

  /** Lines by which Travis CI, Jenkins and CircleCI bound and judge a step. */
  #atStatus(text: string, number: number): boolean {
    if (text.startsWith('travis_')) {
      this.#travis = true;
      if (text.startsWith('travis_time:start:')) this.#open(number, '', this.#current.aside);
      const fold = /^travis_fold:(start|end):(\S{1,80})/.exec(text);
      const aside = fold?.[1] === 'start' && TRAVIS_ASIDE.test(fold[2] ?? '');
      if (fold && aside !== this.#current.aside) this.#open(number, '', aside);
      return true;
    }
    const status = this.#travis || text.startsWith('The command "') ? TRAVIS_STATUS.exec(text) : null;
    if (status) {
      if (status[1] !== '0' && !this.#current.aside) this.#fail(this.#current, number);
      return true;
    }
    if (text.startsWith('[Pipeline] { (') || text.includes('skipped due to earlier failure'))
      return this.#atJenkins(text, number);
    if (this.#atBuildkite(text, number)) return true;
    if (!FAILED_STEP.test(text)) return false;
    // A pipeline says so at its very end, after stages that were skipped and what is done after each run.
    if (!this.#current.aside) this.#fail(this.#current, number);
    else if (this.#failing.length === 0 && this.#stage) this.#fail(this.#stage, number);
    this.#open(number, '', true);
    return true;
  }

  #atJenkins(text: string, number: number): boolean {
    const name = JENKINS_STAGE.exec(text)?.[1];
    if (name === undefined) {
      // `Stage "Deploy" skipped …`: the stage before it has failed.
      if (this.#failing.length === 0 && this.#stage) this.#fail(this.#stage, number);
      this.#open(number, '', true);
      return true;
    }
    if (!this.#current.aside && this.#current.name !== '') this.#stage = this.#current;
    this.#open(number, name, JENKINS_ASIDE.test(name));
    return true;
  }

  #atBuildkite(text: string, number: number): boolean {
    if (BUILDKITE_FAILED.test(text)) {
      this.#fail(this.#current, number);
      return true;
    }
    const group = BUILDKITE_FIRST.test(text) || this.#buildkite ? BUILDKITE_GROUP.exec(text) : null;
    if (!group) return false;
    this.#buildkite = true;
    this.#open(number, group[1] ?? '', BUILDKITE_ASIDE.test(group[1] ?? ''));
    return true;
  }
}
