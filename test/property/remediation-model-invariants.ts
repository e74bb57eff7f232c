import type { Failure, Remediation } from '../../shared/model/index.ts';
import { playbooks } from '../../shared/remediation/index.ts';
import { runKeyOf } from '../../shared/store/index.ts';

/** What must not be of what is tried first, and of what lasts for a time, by all that is in the table. */

const ON_ITS_WAY: readonly Remediation['status'][] = ['executing', 'unknown'];
const UNPROVED: readonly Remediation['status'][] = [...ON_ITS_WAY, 'verifying'];

export const targetsOf = ({ playbook, step = 0 }: Remediation): 'one' | 'rest' | 'all' =>
  playbooks.find(({ id }) => id === playbook)?.steps[step]?.targets ?? 'all';

/** Why a fix must not be sent while others of the table are as they are. Undefined: it may be. */
export function sentTooEarly(
  fix: Remediation,
  all: readonly Remediation[],
  failures: readonly Failure[],
): string | undefined {
  const alike = all.filter(({ id, playbook }) => id !== fix.id && playbook === fix.playbook);
  const key = runKeyOf(fix.runId);
  switch (targetsOf(fix)) {
    case 'all':
      return undefined;
    case 'rest': {
      // On GitHub the one was for an attempt before; on GitLab it is for another job of this attempt.
      const whole = fix.subject === fix.runId;
      const ones = alike.filter((other) => runKeyOf(other.runId) === key && targetsOf(other) === 'one');
      const led = ones.filter((one) => (whole ? one.attempt < fix.attempt : one.runId === fix.runId));
      const names = new Set(led.flatMap(({ targets }) => targets));
      if (whole && !led.some(({ status }) => status === 'succeeded')) return 'no one of them has helped';
      const open = ones.find(
        ({ status, targets }) => UNPROVED.includes(status) && targets.some((name) => names.has(name)),
      );
      return open && `${open.id}, which is tried first, is ${open.status}`;
    }
    case 'one': {
      // An outage is probed, which is as good; and what has helped once has helped, whoever it was.
      if (anotherIsGood(failures, fix)) return undefined;
      const ofIncident = alike.filter(({ incidentIds, outage }) => incidentIds[0] === fix.incidentIds[0] && !outage);
      if (fix.outage !== undefined || ofIncident.some(({ status }) => status === 'succeeded')) return undefined;
      const open = ofIncident.find(
        (other) => runKeyOf(other.runId) !== key && targetsOf(other) === 'one' && UNPROVED.includes(other.status),
      );
      return open && `${open.id}, the first of its incident, is ${open.status}`;
    }
  }
}

/** Whether another run has nothing left of what it failed of in the incident. */
function anotherIsGood(failures: readonly Failure[], { incidentIds: [incident], runId }: Remediation): boolean {
  const others = failures.filter((one) => one.incidentId === incident && runKeyOf(one.runId) !== runKeyOf(runId));
  return others.some(({ runId: other }) =>
    others.every((one) => runKeyOf(one.runId) !== runKeyOf(other) || one.resolvedAt !== undefined),
  );
}

/** Whether a fix is in force, and will not always be. */
export const lasts = ({ status, lastsUntil, unchanged }: Remediation): boolean =>
  status === 'succeeded' && lastsUntil !== undefined && unchanged !== true;

/** Why it must not be that a fix begins to be taken back now. */
export function takenBackTooEarly(fix: Remediation, now: number): string | undefined {
  const { rollbackAskedAt, lastsUntil, reason = '' } = fix;
  if (rollbackAskedAt !== undefined || !reason.startsWith('its time was up')) return undefined;
  return lastsUntil !== undefined && Date.parse(lastsUntil) <= now ? undefined : `it lasts until ${lastsUntil}`;
}
