/** A part of the evaluation: one file, one line in `main.ts`. */
export interface Section<R extends { readonly passed: boolean } = { readonly passed: boolean }> {
  /** What it measured on a folder of data. Undefined: the data it needs is not in there. */
  evaluate(data: string): Promise<R | undefined>;
  /** The same as a table for people. */
  render(report: R): string;
}

/** Forgets what a section's report looks like, which only its own `render` has to know. */
export const section = <R extends { readonly passed: boolean }>(of: Section<R>): Section => of as unknown as Section;
