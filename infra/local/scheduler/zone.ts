/** Wall-clock time of a place, as the milliseconds its calendar and clock would show in UTC. */
export interface Zone {
  wallOf(instant: number): number;
  /** The instant at which clocks first show `wall`; null where they jump over it. */
  instantOf(wall: number): number | null;
}

const DAY_MS = 86_400_000;

const UTC: Zone = { wallOf: (instant) => instant, instantOf: (wall) => wall };

/** Throws one sentence where `name` is no time zone of the IANA database. */
export function zoneOf(name: string): Zone {
  if (name === 'UTC') return UTC;
  const format = formatFor(name);
  const wallOf = (instant: number): number => {
    const shown: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(instant)) shown[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
    return Date.UTC(year, month - 1, day, hour, minute, second, new Date(instant).getUTCMilliseconds());
  };
  return {
    wallOf,
    instantOf(wall) {
      // Around a shift of the clocks either the offset of the day before or that of the day after holds, or both or neither.
      const candidates = [wall - DAY_MS, wall + DAY_MS].map((nearby) => wall - (wallOf(nearby) - nearby));
      const shown = candidates.filter((candidate) => wallOf(candidate) === wall);
      return shown.length === 0 ? null : Math.min(...shown);
    },
  };
}

function formatFor(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw new Error(`"${timeZone}" is no time zone of the IANA database`);
  }
}
