import type { Control, Incident, Remediation } from '../model/index.ts';
import type { Topic } from '../runtime/settings.ts';

/** Who hears what: ordered data; every route whose event and condition fit gets one message. */
export interface Route {
  readonly name: string;
  readonly event: string;
  readonly topic: Topic;
  readonly when?: (incident: Incident) => boolean;
}

export const routes: readonly Route[] = [
  { name: 'error', event: 'incident.open', topic: 'error' },
  { name: 'status', event: 'incident.resolved', topic: 'status' },
  { name: 'error', event: 'incident.escalated', topic: 'error' },
  // A critical incident that QMOI cannot fix is the one thing worth waking somebody for.
  {
    name: 'emergency',
    event: 'incident.escalated',
    topic: 'emergency',
    when: ({ severity }) => severity === 'critical',
  },
  { name: 'emergency', event: 'control.stopped', topic: 'emergency' },
  { name: 'approval', event: 'remediation.awaiting-approval', topic: 'real-time' },
  // What QMOI changed and could not change back.
  { name: 'emergency', event: 'remediation.not-rolled-back', topic: 'emergency' },
];

export const routesFor = (event: string, incident: Incident | undefined): Route[] =>
  routes.filter(
    (route) => route.event === event && (route.when === undefined || (incident !== undefined && route.when(incident))),
  );

export interface Message {
  /** One line of printable ASCII, under 100 characters: what SNS takes as a mail's subject. */
  title: string;
  body: string;
}

const VERB: Record<string, string> = { open: 'Broken', resolved: 'Resolved', escalated: 'Needs you' };

export function incidentMessage(incident: Incident, status: string): Message {
  const lines = [
    `${VERB[status] ?? status}: ${incident.title}`,
    '',
    `Repository: ${incident.repository} (${incident.platform})`,
    `Cause:      ${incident.cause} (${incident.category}), severity ${incident.severity}, priority ${incident.priority}`,
    `Since:      ${incident.firstSeenAt}, last seen ${incident.lastSeenAt}`,
    ...(incident.status === status && incident.reason !== undefined ? [`Why:        ${incident.reason}`] : []),
    ...(incident.remedy !== undefined && status !== 'resolved' ? ['', incident.remedy] : []),
    '',
    `Incident ${incident.id}`,
  ];
  return { title: subjectLine(`${VERB[status] ?? status}: ${incident.title}`), body: lines.join('\n') };
}

export function controlMessage(control: Control): Message {
  const what = control.scope === 'all' ? 'QMOI' : `QMOI for ${control.scope}`;
  const lines = [`${what} is ${control.status}.`, '', `By: ${control.actor ?? 'unknown'}`, `At: ${control.statusAt}`];
  if (control.reason !== undefined) lines.push(`Why: ${control.reason}`);
  return { title: subjectLine(`${what} is ${control.status}`), body: lines.join('\n') };
}

/** `link`: the page on which the master answers, where QMOI knows its own address. */
export function approvalMessage(fix: Remediation, link: string | undefined): Message {
  const what = `${fix.action} for ${fix.repository}`;
  const lines = [
    `QMOI would do this, and waits for your word: ${what}`,
    '',
    `Repository: ${fix.repository} (${fix.platform})`,
    `Jobs:       ${fix.targets.join(', ')}`,
    `Playbook:   ${fix.playbook}, tier ${fix.tier ?? 1}`,
    `Why:        ${fix.reason ?? 'no reason was given'}`,
    `Until:      ${fix.approvalUntil ?? fix.statusAt}; no answer means no`,
    '',
    link ?? `qmoi approve ${fix.id}, or POST /v1/remediations/${fix.id}/approve`,
    ...(fix.incidentId === undefined ? [] : ['', `Incident ${fix.incidentId}`]),
  ];
  return { title: subjectLine(`Approve? ${what}`), body: lines.join('\n') };
}

export function stuckMessage(fix: Remediation): Message {
  const what = `${fix.action} for ${fix.repository}`;
  const lines = [
    `QMOI did this, and could not take it back: ${what}`,
    '',
    `Repository: ${fix.repository} (${fix.platform})`,
    `Why:        ${fix.reason ?? 'no reason was given'}`,
    '',
    `Remediation ${fix.id}`,
  ];
  return { title: subjectLine(`Not taken back: ${what}`), body: lines.join('\n') };
}

const SUBJECT_LENGTH = 99;
/** Names come from outside, and a line break in a subject would forge a header. */
const subjectLine = (text: string): string =>
  text
    .replace(/[^\x20-\x7e]+/g, '?')
    .trim()
    .slice(0, SUBJECT_LENGTH);
