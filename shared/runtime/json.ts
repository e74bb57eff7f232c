const ESCAPED_SURROGATE = /\\u[dD][89a-fA-F]/;
/** With the flag u, this matches only halves of characters that stand alone. */
const HALF = /\p{Surrogate}/gu;

const wellFormed = (_: string, value: unknown): unknown =>
  typeof value === 'string' ? value.replace(HALF, '\uFFFD') : value;

/** `JSON.parse` of what others wrote: half a character, which JSON can escape and no table takes, is replaced. */
export const parseJson = (text: string): unknown =>
  JSON.parse(text, ESCAPED_SURROGATE.test(text) ? wellFormed : undefined) as unknown;
