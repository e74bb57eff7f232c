const MOST_SERIES = 2_000;

export interface Series {
  readonly function: string;
  readonly namespace: string;
  readonly name: string;
  readonly unit: string;
  readonly dimensions: Readonly<Record<string, string>>;
  count: number;
  sum: number;
  min: number;
  max: number;
}

/** Counters of what functions report in CloudWatch's embedded metric format. */
export interface Metrics {
  take(functionName: string, line: string): void;
  list(): readonly Series[];
}

interface Directive {
  readonly Namespace?: string;
  readonly Dimensions?: readonly (readonly string[])[];
  readonly Metrics?: readonly { readonly Name: string; readonly Unit?: string }[];
}

export function createMetrics(): Metrics {
  const series = new Map<string, Series>();

  const record = (functionName: string, fields: Record<string, unknown>, directive: Directive): void => {
    for (const names of directive.Dimensions?.length ? directive.Dimensions : [[]]) {
      const dimensions = Object.fromEntries(names.map((name) => [name, String(fields[name] ?? '')]));
      for (const { Name, Unit = 'None' } of directive.Metrics ?? []) {
        const value = fields[Name];
        const values = (Array.isArray(value) ? value : [value]).filter((member) => typeof member === 'number');
        const key = JSON.stringify([functionName, directive.Namespace, Name, dimensions]);
        let entry = series.get(key);
        if (!entry) {
          if (series.size >= MOST_SERIES) continue;
          entry = {
            function: functionName,
            namespace: directive.Namespace ?? '',
            name: Name,
            unit: Unit,
            dimensions,
            count: 0,
            sum: 0,
            min: Number.POSITIVE_INFINITY,
            max: Number.NEGATIVE_INFINITY,
          };
          series.set(key, entry);
        }
        for (const number of values) {
          entry.count += 1;
          entry.sum += number;
          entry.min = Math.min(entry.min, number);
          entry.max = Math.max(entry.max, number);
        }
      }
    }
  };

  return {
    take(functionName, line) {
      let fields: Record<string, unknown>;
      try {
        fields = JSON.parse(line) as Record<string, unknown>;
      } catch {
        return;
      }
      const directives = (fields._aws as { CloudWatchMetrics?: unknown } | undefined)?.CloudWatchMetrics;
      if (!Array.isArray(directives)) return;
      for (const directive of directives) record(functionName, fields, directive as Directive);
    },
    list: () => [...series.values()].filter(({ count }) => count > 0),
  };
}
