/** The platforms by name, apart from their adapters: what only has to know the names must not bundle the clients. */
export const PLATFORM_NAMES = [
  'github',
  'gitlab',
  'vercel',
  'huggingface',
  'braket',
  'events',
  'custom',
  'local',
  'qcity',
] as const;
