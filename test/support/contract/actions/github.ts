import { type ActionRow, comment, commentText, issue, issueText, unclear } from './row.ts';

const repo = '/repos/acme/shop';
const hub = `${repo}/actions`;

const ran = [[{ run_attempt: 2 }, 'happened'], [{ run_attempt: 1 }, 'did-not-happen'], unclear] as const;
const ended = [
  [{ status: 'completed', conclusion: 'cancelled' }, 'happened'],
  [{ status: 'completed', conclusion: 'success' }, 'happened'],
  [{ status: 'in_progress' }, 'did-not-happen'],
  [[], 'unclear'],
] as const;

const over: ActionRow['shows'] = [
  [{ status: 'completed', conclusion: 'success' }, 'succeeded'],
  [{ status: 'in_progress' }, 'pending'],
  [[], undefined],
];

const cache = { key: 'npm {a}', ref: 'refs/heads/main' };
const cachesUrl = `${hub}/caches?key=npm+%7Ba%7D&ref=refs%2Fheads%2Fmain`;

const dispatches = (...runs: object[]) => ({
  workflow_runs: runs.map((run) => ({ created_at: '2026-03-04T05:06:09Z', ...run })),
});

export const github: readonly ActionRow[] = [
  {
    ...{ platform: 'github', action: 'rerun-failed-jobs' },
    sent: { method: 'POST', url: `${hub}/runs/9/rerun-failed-jobs` },
    at: `${hub}/runs/5`,
    found: ran,
  },
  {
    ...{ platform: 'github', action: 'rerun-job' },
    sent: { method: 'POST', url: `${hub}/jobs/9/rerun` },
    at: `${hub}/runs/5`,
    found: ran,
  },
  {
    ...{ platform: 'github', action: 'rerun-with-debug' },
    sent: { method: 'POST', url: `${hub}/runs/5/rerun-failed-jobs`, body: { enable_debug_logging: true } },
    at: `${hub}/runs/5`,
    found: ran,
  },
  {
    ...{ platform: 'github', action: 'cancel-run' },
    sent: { method: 'POST', url: `${hub}/runs/5/cancel` },
    at: `${hub}/runs/5`,
    ...{ found: ended, shows: over },
  },
  {
    ...{ platform: 'github', action: 'force-cancel-run' },
    sent: { method: 'POST', url: `${hub}/runs/5/force-cancel` },
    at: `${hub}/runs/5`,
    ...{ found: ended, shows: over },
  },
  {
    ...{ platform: 'github', action: 'delete-cache', parameters: cache, without: 'key' },
    sent: { method: 'DELETE', url: cachesUrl },
    at: cachesUrl,
    found: [
      [{ actions_caches: [] }, 'happened'],
      [{ actions_caches: [{ key: 'npm {a} and more', ref: cache.ref }] }, 'happened'],
      [{ actions_caches: [cache] }, 'did-not-happen'],
      [{ actions_caches: 1 }, 'unclear'],
    ],
    before: { ready: { actions_caches: [cache] }, already: { actions_caches: [] } },
  },
  ...(['enable', 'disable'] as const).map((verb): ActionRow => {
    const [on, off] = verb === 'enable' ? ['active', 'disabled_inactivity'] : ['disabled_manually', 'active'];
    return {
      ...{ platform: 'github', action: `${verb}-workflow`, parameters: { workflow: 'ci.yml' }, without: 'workflow' },
      sent: { method: 'PUT', url: `${hub}/workflows/ci.yml/${verb}` },
      at: `${hub}/workflows/ci.yml`,
      found: [[{ state: on }, 'happened'], [{ state: off }, 'did-not-happen'], unclear],
      before: { ready: { state: off }, already: { state: on }, unfit: [{ state: 'deleted' }, {}] },
    };
  }),
  {
    ...{ platform: 'github', action: 'dispatch-workflow', without: 'workflow' },
    parameters: { workflow: 'ci.yml', ref: 'main', 'input.level': 'debug' },
    sent: {
      method: 'POST',
      url: `${hub}/workflows/ci.yml/dispatches`,
      body: { ref: 'main', inputs: { level: 'debug' } },
    },
    at: `${hub}/workflows/ci.yml/runs?event=workflow_dispatch&branch=main&per_page=20`,
    found: [
      [{ workflow_runs: [{ created_at: '2026-03-04T05:06:09Z' }] }, 'happened'],
      [{ workflow_runs: [{ created_at: '2026-03-04T04:00:00Z' }] }, 'did-not-happen'],
      [{ workflow_runs: [] }, 'did-not-happen'],
      unclear,
    ],
    shows: [
      [dispatches({ id: 3, status: 'in_progress' }), 'pending', '3'],
      [dispatches({ id: 3, status: 'completed', conclusion: 'success' }), 'succeeded', '3'],
      [dispatches({ id: 3, status: 'completed', conclusion: 'failure' }), 'failed', '3'],
      // The first one since then is ours; what was there before is not.
      [
        dispatches(
          { id: 4, status: 'completed', conclusion: 'failure', created_at: '2026-03-04T05:09:00Z' },
          { id: 3, status: 'completed', conclusion: 'success' },
          { id: 2, status: 'completed', conclusion: 'failure', created_at: '2026-03-04T05:05:00Z' },
        ),
        'succeeded',
        '3',
      ],
      [{ workflow_runs: [] }, undefined],
      [{}, undefined],
    ],
  },
  {
    ...{ platform: 'github', action: 'delete-offline-runner', parameters: { runner: '31' }, without: 'runner' },
    sent: { method: 'DELETE', url: `${hub}/runners/31` },
    at: `${hub}/runners/31`,
    found: [[{ status: 'offline', busy: false }, 'did-not-happen'], unclear],
    before: {
      ready: { status: 'offline', busy: false },
      unfit: [{ status: 'online', busy: false }, { status: 'offline', busy: true }, {}],
    },
    removes: true,
  },
  {
    ...{ platform: 'github', action: 'delete-offline-runner', without: 'runner' },
    parameters: { runner: '31', organization: 'acme' },
    sent: { method: 'DELETE', url: '/orgs/acme/actions/runners/31' },
    at: '/orgs/acme/actions/runners/31',
    found: [[{ status: 'offline', busy: false }, 'did-not-happen']],
    before: { ready: { status: 'offline', busy: false } },
    removes: true,
  },
  ...githubIssues(),
];

function githubIssues(): ActionRow[] {
  const at = `${repo}/issues?state=all&sort=created&direction=desc&per_page=100`;
  const own = { number: 12, body: issueText, user: { type: 'Bot' }, author_association: 'NONE' };
  const other = { number: 13, state: 'open', body: null, user: { type: 'User' }, author_association: 'OWNER' };
  // Whoever passes by may write the mark as well.
  const forged = { ...own, number: 14, state: 'open', user: { type: 'User' } };
  const open = [other, { ...own, state: 'open' }];
  const closed = [other, { ...own, state: 'closed' }];
  const commentsAt = `${repo}/issues/12/comments?per_page=100`;
  const said = [{ id: 77, body: commentText, user: { type: 'User' }, author_association: 'COLLABORATOR' }];
  const one = { platform: 'github', parameters: issue };
  const two = { platform: 'github', parameters: comment };
  return [
    {
      ...{ ...one, action: 'open-issue', without: 'title' },
      sent: { method: 'POST', url: `${repo}/issues`, body: { title: issue.title, body: issueText } },
      at,
      found: [
        [open, 'happened'],
        [closed, 'happened'],
        [[other], 'did-not-happen'],
        [[forged], 'did-not-happen'],
        unclear,
      ],
      before: { ready: [other, forged], already: open, unfit: [{}] },
    },
    {
      ...{ ...one, action: 'close-issue', without: 'key' },
      sent: { method: 'PATCH', url: `${repo}/issues/12`, body: { state: 'closed' } },
      at,
      found: [[closed, 'happened'], [open, 'did-not-happen'], [[], 'unclear'], unclear],
      before: { ready: open, already: closed, unfit: [[other], [forged], {}] },
    },
    {
      ...{ ...one, action: 'reopen-issue', without: 'key' },
      sent: { method: 'PATCH', url: `${repo}/issues/12`, body: { state: 'open' } },
      at,
      found: [[open, 'happened'], [closed, 'did-not-happen'], [[], 'unclear'], unclear],
      before: { ready: closed, already: open, unfit: [[other], {}] },
    },
    {
      ...{ ...two, action: 'comment-issue', without: 'issue' },
      sent: { method: 'POST', url: `${repo}/issues/12/comments`, body: { body: commentText } },
      at: commentsAt,
      found: [[said, 'happened'], [[], 'did-not-happen'], unclear],
      before: { ready: [], already: said, unfit: [{}] },
    },
    {
      ...{ ...two, action: 'delete-comment', without: 'issue' },
      sent: { method: 'DELETE', url: `${repo}/issues/comments/77` },
      at: commentsAt,
      found: [[[], 'happened'], [said, 'did-not-happen'], unclear],
      before: { ready: said, already: [], unfit: [{}] },
    },
  ];
}
