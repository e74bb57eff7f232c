import type { Automation, Control, Incident, Remediation, Source } from '../model/index.ts';

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
    ...(fix.targets.length === 0 ? [] : [`Jobs:       ${fix.targets.join(', ')}`]),
    `Playbook:   ${fix.playbook}, tier ${fix.tier ?? 1}`,
    `Why:        ${fix.reason ?? 'no reason was given'}`,
    `Until:      ${fix.approvalUntil ?? fix.statusAt}; no answer means no`,
    '',
    link ?? `qmoi approve ${fix.id}, or POST /v1/remediations/${fix.id}/approve`,
    ...(fix.incidentId === undefined ? [] : ['', `Incident ${fix.incidentId}`]),
  ];
  return { title: subjectLine(`Approve? ${what}`), body: lines.join('\n') };
}

export const harmMessage = (fix: Remediation): Message =>
  takingBack(fix, 'Taken back, as it did harm', 'QMOI did this, and takes it back before its time', fix.harm);

export const stuckMessage = (fix: Remediation): Message =>
  takingBack(fix, 'Not taken back', 'QMOI did this, and could not take it back', fix.reason);

function takingBack(fix: Remediation, title: string, says: string, why = 'no reason was given'): Message {
  const what = `${fix.action} for ${fix.repository}`;
  const lines = [
    `${says}: ${what}`,
    '',
    `Repository: ${fix.repository} (${fix.platform})`,
    `Why:        ${why}`,
    '',
    `Remediation ${fix.id}`,
  ];
  return { title: subjectLine(`${title}: ${what}`), body: lines.join('\n') };
}

const STOOD: Record<string, string> = { silent: 'Silent', disabled: 'Switched off' };

/** `status`: what it came to, whatever it has come to since. */
export function automationMessage(automation: Automation, status: string): Message {
  const verb = STOOD[status] ?? 'Runs again';
  const name = automation.name ?? automation.externalId;
  const what = name === automation.repository ? name : `${name} of ${automation.repository}`;
  const lines = [
    `${verb}: ${what}`,
    '',
    `Repository: ${automation.repository} (${automation.platform})`,
    ...(automation.category === undefined ? [] : [`Category:   ${automation.category}`]),
    ...(automation.status === status && automation.reason !== undefined ? [`Why:        ${automation.reason}`] : []),
    `Since:      ${automation.statusAt}`,
    '',
    `Automation ${automation.id}`,
  ];
  return { title: subjectLine(`${verb}: ${what}`), body: lines.join('\n') };
}

const HEARD: Record<string, string> = {
  failing: 'QMOI may miss what happens in',
  unhooked: 'QMOI may miss what happens in',
  unreachable: 'QMOI is not let to look at',
};

export function sourceMessage(source: Source, status: string): Message {
  const what = `${HEARD[status] ?? 'QMOI hears again of'} ${source.repository} (${source.platform})`;
  const lines = [
    `${what}.`,
    '',
    ...(source.status === status && source.reason !== undefined ? [`Why:   ${source.reason}`] : []),
    `Since: ${source.statusAt}`,
    ...(status === 'failing' || status === 'unhooked'
      ? ['', 'What its webhooks lose is looked for at the platform, some minutes later.']
      : []),
  ];
  return { title: subjectLine(what), body: lines.join('\n') };
}

const SUBJECT_LENGTH = 99;
/** Names come from outside, and a line break in a subject would forge a header. */
const subjectLine = (text: string): string =>
  text
    .replace(/[^\x20-\x7e]+/g, '?')
    .trim()
    .slice(0, SUBJECT_LENGTH);
