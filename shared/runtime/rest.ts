/** What a piece of work leaves to do: nothing, or the same again after some seconds. */
export type Rest = { readonly again: false } | { readonly again: true; readonly seconds: number; readonly why: string };

export const done: Rest = { again: false };
export const again = (seconds: number, why: string): Rest => ({ again: true, seconds, why });
