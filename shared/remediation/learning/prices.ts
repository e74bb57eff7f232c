import type { Job } from '../../model/index.ts';
import type { RemediationSettings } from '../../runtime/remediation-settings.ts';

/** What runners cost, and what a fix saves and spends. */

/**
 * US dollars a minute of the platforms' own standard machines, by `<platform>/<system>`.
 * https://docs.github.com/en/billing/reference/actions-runner-pricing, https://about.gitlab.com/pricing/ (10 dollars a
 * thousand minutes, by their cost factors).
 */
export const PRICES = {
  asOf: '2026-01-01',
  currency: 'USD',
  perMinute: {
    'github/linux': 0.006,
    'github/windows': 0.01,
    'github/macos': 0.062,
    'gitlab/linux': 0.01,
    'gitlab/windows': 0.01,
    'gitlab/macos': 0.06,
  } as Readonly<Record<string, number>>,
} as const;

/** What one fix was worth. Minutes spent are a runner's, minutes saved a person's. */
export interface Worth {
  readonly spentMinutes: number;
  readonly spentMoney: number;
  readonly savedMinutes: number;
  readonly savedMoney: number;
}

export const NOTHING: Worth = { spentMinutes: 0, spentMoney: 0, savedMinutes: 0, savedMoney: 0 };

export const sumOf = (worths: readonly Worth[]): Worth =>
  worths.reduce(
    (a, b) => ({
      spentMinutes: a.spentMinutes + b.spentMinutes,
      spentMoney: a.spentMoney + b.spentMoney,
      savedMinutes: a.savedMinutes + b.savedMinutes,
      savedMoney: a.savedMoney + b.savedMoney,
    }),
    NOTHING,
  );

type Prices = RemediationSettings['prices'];
type Ran = Pick<Job, 'platform' | 'labels' | 'startedAt' | 'endedAt'>;

/** The price of a minute: of the first label that has one, else of the system that the labels name; Linux unless they do. */
function perMinute({ platform, labels = [] }: Ran, prices: Prices): number {
  const known = { ...PRICES.perMinute, ...prices.perMinute };
  const named = labels.map((label) => known[`${platform}/${label.toLowerCase()}`]).find((price) => price !== undefined);
  if (named !== undefined) return named;
  // A machine of one's own is paid for whether it works or not.
  if (labels.includes('self-hosted')) return 0;
  const system = labels.some((label) => /^macos/i.test(label))
    ? 'macos'
    : labels.some((label) => /^windows/i.test(label))
      ? 'windows'
      : 'linux';
  return known[`${platform}/${system}`] ?? 0;
}

/** Of the jobs that ran because of a fix; as they are billed, by whole minutes of each. */
export function worthOf(ran: readonly Ran[], succeeded: boolean, prices: Prices): Worth {
  const billed = ran.map((job) => {
    const ms = Date.parse(job.endedAt ?? '') - Date.parse(job.startedAt ?? '');
    const minutes = ms > 0 ? Math.ceil(ms / 60_000) : 0;
    return { minutes, money: minutes * perMinute(job, prices) };
  });
  const savedMinutes = succeeded ? prices.personMinutes : 0;
  return {
    spentMinutes: billed.reduce((sum, { minutes }) => sum + minutes, 0),
    spentMoney: rounded(billed.reduce((sum, { money }) => sum + money, 0)),
    savedMinutes,
    savedMoney: rounded((savedMinutes / 60) * prices.personPerHour),
  };
}

/** To a hundredth of a cent. */
export const rounded = (money: number): number => Math.round(money * 10_000) / 10_000;
