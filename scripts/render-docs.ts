import { writeFileSync } from 'node:fs';
import { emissions, type Subscription, subscriptions } from '../shared/events/index.ts';
import { ENTITIES, machines } from '../shared/model/index.ts';
import { actions } from '../shared/platforms/actions.ts';
import { platforms } from '../shared/platforms/index.ts';

/**
 * The state machines and the subscription graph as they stand in the code, as Mermaid diagrams. `npm run docs` writes
 * them; a test fails when they are out of date.
 */

const NOTE = '<!-- Written by `npm run docs` from the code. Do not edit. -->';

interface Rule {
  rank: number;
  terminal?: boolean;
  next: readonly string[];
  means: string;
}

export function renderStateMachines(): string {
  const sections = ENTITIES.map((entity) => {
    const machine = machines[entity];
    const statuses = Object.entries(machine.statuses) as [string, Rule][];
    // Where every status may follow every other, arrows would only hide the table.
    const free = statuses.every(([, rule]) => rule.next.length === statuses.length - 1);
    const alias = (status: string) => status.replaceAll('-', '_');
    const arrows = statuses.flatMap(([from, rule]) => [
      ...rule.next
        .filter((to) => !(rule.terminal && isTerminal(statuses, to)))
        .map((to) => `  ${alias(from)} --> ${alias(to)}`),
      ...(rule.terminal ? [`  ${alias(from)} --> [*]`] : []),
    ]);
    const names = statuses
      .filter(([name]) => name.includes('-'))
      .map(([name]) => `  state "${name}" as ${alias(name)}`);
    const diagram = [
      '```mermaid',
      'stateDiagram-v2',
      ...names,
      `  [*] --> ${alias(machine.initial)}`,
      ...arrows,
      '```',
    ];
    const order =
      machine.order === 'ranked'
        ? 'The greater rank wins; at equal rank, the later platform time.'
        : 'The later platform time wins.';
    const table = [
      '| status | rank | means |',
      '| --- | --- | --- |',
      ...statuses.map(([name, rule]) => `| ${name}${rule.terminal ? ' (end)' : ''} | ${rule.rank} | ${rule.means} |`),
    ];
    const body = free ? ['Every status may follow every other.'] : diagram;
    return [`## ${entity}`, '', order, '', ...body, '', ...table].join('\n');
  });
  return `${['# State machines', NOTE, ...sections].join('\n\n')}\n`;
}

const isTerminal = (statuses: [string, Rule][], name: string) =>
  statuses.some(([status, rule]) => status === name && rule.terminal);

const onlyOf = ({ attemptAbove, platforms, from }: Subscription): string =>
  [
    attemptAbove === undefined ? [] : `attempt > ${attemptAbove}`,
    platforms ?? [],
    from === undefined ? [] : `from ${from.join(' or ')}`,
  ]
    .flat()
    .join(', ');

export function renderSubscriptions(): string {
  const matches = (emitted: Subscription, heard: Subscription) =>
    emitted.entity === heard.entity ? emitted.statuses.filter((status) => heard.statuses.includes(status)) : [];
  const edges = Object.entries(emissions).flatMap(([from, emitted]) =>
    Object.entries(subscriptions).flatMap(([to, heard]: [string, readonly Subscription[]]) => {
      const events = heard.flatMap((subscription) =>
        emitted.flatMap((emission) =>
          matches(emission, subscription).map(
            (status) => `${emission.entity}.${status}${onlyOf(subscription) && ` (${onlyOf(subscription)})`}`,
          ),
        ),
      );
      return events.length === 0 ? [] : [`  ${from} -- "${events.join('<br>')}" --> ${to}`];
    }),
  );
  const rows = Object.entries(subscriptions).flatMap(([name, list]: [string, readonly Subscription[]]) =>
    list.map((subscription) => {
      const { entity, statuses } = subscription;
      const only = onlyOf(subscription);
      return `| ${name} | ${statuses.map((status) => `\`${entity}.${status}\``).join(', ')} | ${only} |`;
    }),
  );
  return `${[
    '# Who hears what',
    NOTE,
    ['```mermaid', 'flowchart LR', ...edges, '```'].join('\n'),
    ['| function | events | only |', '| --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n')}\n`;
}

const TIERS = ['reads', 'retries', 'changes what can be changed back', 'destroys'];

export function renderActions(): string {
  const sections = Object.entries(actions).map(([platform, own]) => {
    const rows = Object.entries(own).map(
      ([name, { does, tier, on, proof, needs = [], takes = [], inverse, heals = '' }]) => {
        const parameters = [...needs.map((one) => `\`${one}\``), ...takes.map((one) => `(\`${one}\`)`)].join(' ');
        return `| \`${name}\` | ${does} | ${tier} | ${on} | ${proof} | ${parameters} | ${inverse === undefined ? heals : `\`${inverse}\``} |`;
      },
    );
    const head = [
      '| action | what it does | tier | on | proved by | parameters | taken back by |',
      '| --- | --- | --- | --- | --- | --- | --- |',
    ];
    return [`## ${platforms[platform]?.title ?? platform}`, '', ...head, ...rows].join('\n');
  });
  return `${[
    '# Actions',
    NOTE,
    `What QMOI can do at the platforms. Tiers: ${TIERS.map((means, tier) => `${tier} ${means}`).join(', ')}. Parameters in brackets may be left out. An action is taken back by the same request under the other name. A lost answer is looked up, never repeated. What proves an action is told in [remediation](remediation.md#proof).`,
    ...sections,
  ].join('\n\n')}\n`;
}

export const documents = {
  'docs/actions.md': renderActions,
  'docs/state-machines.md': renderStateMachines,
  'docs/subscriptions.md': renderSubscriptions,
};

if (process.argv[1]?.endsWith('render-docs.ts')) {
  for (const [file, render] of Object.entries(documents)) writeFileSync(file, render());
}
