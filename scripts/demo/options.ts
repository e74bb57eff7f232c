import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** End after the replay. */
  exit: boolean;
  seed: string;
  /** How many seconds of CI go by in one. */
  speed: number;
  /** Undefined: a temporary folder, removed at the end. */
  dataDir: string | undefined;
  help: boolean;
}

export const DEFAULT_SPEED = 60;

export const HELP = `QMOI's demo: the embedded host, a fake GitHub and a fake GitLab, and a stretch of CI that goes wrong.

  npm run demo                    replays it, shows the outcome, and keeps everything up for a look around
  npm run demo -- --exit          ends after the replay; exit code 1 when the outcome is not the ground truth

  --seed TEXT       another order of deliveries, other duplicates and late ones (default: demo)
  --speed NUMBER    seconds of CI per second (default: ${DEFAULT_SPEED})
  --data-dir PATH   keep the host's state there (default: a temporary folder, removed at the end)
  --help            this text

  QMOI_LOCAL_CHAOS=seed adds throttling, conflicts, partial answers, duplicates and reordering inside the host.`;

/** Throws an Error with one clear sentence on anything it does not know. */
export function readOptions(args: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    allowPositionals: false,
    options: {
      exit: { type: 'boolean', default: false },
      seed: { type: 'string', default: 'demo' },
      speed: { type: 'string', default: String(DEFAULT_SPEED) },
      'data-dir': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const speed = Number(values.speed);
  if (!(speed > 0 && Number.isFinite(speed))) throw new Error(`--speed takes a number above 0, not '${values.speed}'`);
  if (values['data-dir'] === '') throw new Error('--data-dir takes the path of a folder');
  return { exit: values.exit, seed: values.seed, speed, dataDir: values['data-dir'], help: values.help };
}
