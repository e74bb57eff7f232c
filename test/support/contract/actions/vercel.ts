import { markOf } from '../../../../shared/platforms/action.ts';
import { type ActionRow, requestOf, unclear } from './row.ts';

export const vercel: readonly ActionRow[] = vercelRows();

function vercelRows(): ActionRow[] {
  const mark = markOf(requestOf({ platform: 'vercel', action: 'redeploy' }), 'redeploy');
  const failed = { uid: 'dpl_9', name: 'shop', state: 'ERROR', target: 'production', meta: {} };
  const anew = { uid: 'dpl_10', name: 'shop', state: 'QUEUED', target: null, meta: { qmoiMark: mark } };
  const list = (...deployments: object[]) => ({ deployments });
  const asked = (from: string, to: string, jobStatus = 'succeeded') => ({
    lastAliasRequest: { fromDeploymentId: from, toDeploymentId: to, jobStatus, requestedAt: 1_000 },
  });
  const serving = (id: string, createdAt = 500) => ({ targets: { production: { id, createdAt } } });
  const moved = { platform: 'vercel', parameters: { deployment: 'dpl_8' }, without: 'deployment' };
  const at = '/v9/projects/prj_1?teamId=team_a';
  const live: ActionRow['found'] = [
    [serving('dpl_8'), 'happened'],
    [{ ...serving('dpl_7'), ...asked('dpl_7', 'dpl_8', 'in-progress') }, 'happened'],
    [{ ...serving('dpl_7'), ...asked('dpl_7', 'dpl_8', 'failed') }, 'did-not-happen'],
    [{ ...serving('dpl_7'), ...asked('dpl_6', 'dpl_7') }, 'did-not-happen'],
    // A push has taken its place since.
    [{ ...serving('dpl_11', 2_000), ...asked('dpl_7', 'dpl_8') }, 'did-not-happen'],
    [[], 'unclear'],
  ];
  const shows: ActionRow['shows'] = [
    [serving('dpl_8'), 'succeeded'],
    [{ ...serving('dpl_7'), ...asked('dpl_7', 'dpl_8', 'in-progress') }, 'pending'],
    [{ ...serving('dpl_7'), ...asked('dpl_7', 'dpl_8', 'failed') }, 'failed'],
    [{ ...serving('dpl_7'), ...asked('dpl_6', 'dpl_7') }, 'pending'],
    [[], undefined],
  ];
  return [
    {
      ...{ platform: 'vercel', action: 'redeploy' },
      sent: {
        method: 'POST',
        url: '/v13/deployments?forceNew=1&teamId=team_a',
        body: { deploymentId: 'dpl_9', name: 'shop', target: 'production', meta: { qmoiMark: mark } },
      },
      at: '/v6/deployments?projectId=prj_1&limit=100&teamId=team_a',
      found: [[list(anew, failed), 'happened'], [list(failed), 'did-not-happen'], unclear],
      shows: [
        [list(anew, failed), 'pending', 'dpl_10'],
        [list({ ...anew, state: 'READY' }, failed), 'succeeded', 'dpl_10'],
        [list({ ...anew, state: 'ERROR' }, failed), 'failed', 'dpl_10'],
        [list(failed), undefined],
        [{}, undefined],
      ],
      before: {
        ready: list(failed),
        already: list(anew, failed),
        unfit: [list({ ...failed, state: 'READY' }), list(), {}],
      },
    },
    {
      ...{ ...moved, action: 'promote' },
      sent: { method: 'POST', url: '/v10/projects/prj_1/promote/dpl_8?teamId=team_a' },
      ...{ at, found: live, shows },
      before: { ready: serving('dpl_7'), already: serving('dpl_8'), unfit: [[]] },
    },
    {
      ...{ ...moved, action: 'instant-rollback' },
      sent: { method: 'POST', url: '/v1/projects/prj_1/rollback/dpl_8?teamId=team_a' },
      ...{ at, found: live, shows },
      before: { ready: serving('dpl_9'), already: serving('dpl_8'), unfit: [[]] },
    },
    {
      ...{ ...moved, action: 'restore-production' },
      sent: { method: 'POST', url: '/v10/projects/prj_1/promote/dpl_7?teamId=team_a' },
      at,
      found: [
        [asked('dpl_8', 'dpl_7', 'pending'), 'happened'],
        [asked('dpl_7', 'dpl_8'), 'did-not-happen'],
        [asked('dpl_8', 'dpl_7', 'failed'), 'unclear'],
        [asked('dpl_1', 'dpl_2'), 'unclear'],
        unclear,
      ],
      shows: [
        [{ ...serving('dpl_7'), ...asked('dpl_8', 'dpl_7') }, 'succeeded'],
        [{ ...serving('dpl_8'), ...asked('dpl_8', 'dpl_7', 'pending') }, 'pending'],
        [{ ...serving('dpl_8'), ...asked('dpl_8', 'dpl_7', 'failed') }, 'failed'],
        [{ ...serving('dpl_2'), ...asked('dpl_1', 'dpl_2') }, undefined],
        [{}, undefined],
      ],
      before: {
        ready: asked('dpl_7', 'dpl_8'),
        already: asked('dpl_8', 'dpl_7'),
        unfit: [asked('dpl_7', 'dpl_8', 'pending'), asked('dpl_1', 'dpl_2'), {}],
      },
    },
  ];
}
