/** RE2 alternation. Rules stay plain strings; this only keeps long ones readable. */
export const oneOf = (...alternatives: readonly string[]): string => alternatives.map((one) => `(?:${one})`).join('|');
