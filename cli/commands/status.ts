import { parseArgs } from 'node:util';
import { API_OPTIONS_HELP, apiOptions, connectApi } from '../api.ts';
import type { Command } from '../command.ts';

const RESOURCES = ['runners', 'automations', 'runs', 'jobs', 'incidents', 'remediations'] as const;
/** Runs and jobs of years are not counted one by one for a glance. */
const SINCE_HOURS = 24;

interface Item {
  readonly status: string;
}

export const status: Command = {
  name: 'status',
  summary: 'what a running QMOI knows, in numbers',
  usage: `Usage: qmoi status [--json]

Counts what a running QMOI knows by status; of runs, jobs, incidents and fixes the last ${SINCE_HOURS} hours.

  --json            as one JSON object
${API_OPTIONS_HELP}`,
  async run(args, io) {
    const { values } = parseArgs({ args: [...args], options: { ...apiOptions, json: { type: 'boolean' } } });
    const api = connectApi(values, io);
    const since = new Date(Date.now() - SINCE_HOURS * 3_600_000).toISOString();
    const counts: Record<string, Record<string, number>> = {};
    for (const resource of RESOURCES) {
      const lasting = resource === 'runners' || resource === 'automations';
      const found: Record<string, number> = {};
      for await (const item of api.list<Item>(resource, lasting ? {} : { since })) {
        found[item.status] = (found[item.status] ?? 0) + 1;
      }
      counts[resource] = found;
    }
    if (values.json) {
      io.out(JSON.stringify(counts));
      return 0;
    }
    for (const [resource, found] of Object.entries(counts)) {
      const parts = Object.entries(found).sort(([, a], [, b]) => b - a);
      io.out(`${resource.padEnd(14)}${parts.map(([name, count]) => `${count} ${name}`).join(', ') || 'none'}`);
    }
    return 0;
  },
};
