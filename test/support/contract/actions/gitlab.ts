import { type ActionRow, comment, commentText, issue, issueText, markOfIssue, unclear } from './row.ts';

const lab = '/api/v4/projects/7';

export const gitlab: readonly ActionRow[] = [
  {
    ...{ platform: 'gitlab', action: 'retry-job' },
    sent: { method: 'POST', url: `${lab}/jobs/9/retry` },
    at: `${lab}/pipelines/5/jobs?include_retried=true&per_page=100`,
    found: [
      [
        [
          { id: 12, name: 'a' },
          { id: 9, name: 'a' },
        ],
        'happened',
      ],
      [
        [
          { id: 12, name: 'b' },
          { id: 9, name: 'a' },
        ],
        'did-not-happen',
      ],
      [
        [
          { id: 9, name: 'a' },
          { id: 8, name: 'a' },
        ],
        'did-not-happen',
      ],
      [[{ id: 12, name: 'b' }], 'unclear'],
      unclear,
    ],
  },
  {
    ...{ platform: 'gitlab', action: 'retry-pipeline' },
    sent: { method: 'POST', url: `${lab}/pipelines/5/retry` },
    at: `${lab}/pipelines/5/jobs?include_retried=true&per_page=100`,
    found: [
      [
        [
          { id: 2, name: 'a' },
          { id: 1, name: 'a' },
        ],
        'happened',
      ],
      [
        [
          { id: 2, name: 'a' },
          { id: 1, name: 'b' },
        ],
        'did-not-happen',
      ],
      unclear,
    ],
  },
  {
    ...{ platform: 'gitlab', action: 'cancel-pipeline' },
    sent: { method: 'POST', url: `${lab}/pipelines/5/cancel` },
    at: `${lab}/pipelines/5`,
    found: [
      [{ status: 'canceled' }, 'happened'],
      [{ status: 'success' }, 'happened'],
      [{ status: 'running' }, 'did-not-happen'],
      [[], 'unclear'],
    ],
    shows: [
      [{ status: 'canceled' }, 'succeeded'],
      [{ status: 'canceling' }, 'pending'],
      [[], undefined],
    ],
  },
  {
    ...{ platform: 'gitlab', action: 'play-job' },
    sent: { method: 'POST', url: `${lab}/jobs/9/play` },
    at: `${lab}/jobs/9`,
    found: [[{ status: 'manual' }, 'did-not-happen'], [{ status: 'pending' }, 'happened'], unclear],
  },
  ...(['pause', 'resume'] as const).map((verb): ActionRow => {
    const [on, off] = [{ paused: verb === 'pause' }, { paused: verb !== 'pause' }];
    return {
      ...{ platform: 'gitlab', action: `${verb}-runner`, parameters: { runner: 31 }, without: 'runner' },
      sent: { method: 'PUT', url: '/api/v4/runners/31', body: on },
      at: '/api/v4/runners/31',
      found: [[on, 'happened'], [off, 'did-not-happen'], unclear],
      before: { ready: off, already: on, unfit: [{}] },
    };
  }),
  {
    ...{ platform: 'gitlab', action: 'delete-offline-runner', parameters: { runner: '31' }, without: 'runner' },
    sent: { method: 'DELETE', url: '/api/v4/runners/31' },
    at: '/api/v4/runners/31',
    found: [[{ paused: false, status: 'offline' }, 'did-not-happen'], unclear],
    before: {
      ready: { paused: false, status: 'offline' },
      unfit: [{ paused: true, status: 'online' }, { paused: false, status: 'never_contacted' }, {}],
    },
    removes: true,
  },
  ...(['activate', 'deactivate'] as const).map((verb): ActionRow => {
    const [on, off] = [{ active: verb === 'activate' }, { active: verb !== 'activate' }];
    return {
      ...{ platform: 'gitlab', action: `${verb}-schedule`, parameters: { schedule: '4' }, without: 'schedule' },
      sent: { method: 'PUT', url: `${lab}/pipeline_schedules/4`, body: on },
      at: `${lab}/pipeline_schedules/4`,
      found: [[on, 'happened'], [off, 'did-not-happen'], unclear],
      before: { ready: off, already: on, unfit: [{}] },
    };
  }),
  ...gitlabIssues(),
];

function gitlabIssues(): ActionRow[] {
  const search = encodeURIComponent(markOfIssue.slice('<!-- '.length, -' -->'.length));
  const at = `${lab}/issues?scope=created_by_me&search=${search}&in=description&per_page=100`;
  const other = { iid: 13, state: 'opened', description: null };
  const open = [other, { iid: 12, state: 'opened', description: issueText }];
  const closed = [other, { iid: 12, state: 'closed', description: issueText }];
  const notesAt = `${lab}/issues/12/notes?sort=desc&per_page=100`;
  const said = [{ id: 77, body: commentText }];
  const one = { platform: 'gitlab', parameters: issue };
  const two = { platform: 'gitlab', parameters: comment };
  return [
    {
      ...{ ...one, action: 'open-issue', without: 'title' },
      sent: { method: 'POST', url: `${lab}/issues`, body: { title: issue.title, description: issueText } },
      at,
      found: [[open, 'happened'], [closed, 'happened'], [[other], 'did-not-happen'], unclear],
      before: { ready: [other], already: open, unfit: [{}] },
    },
    {
      ...{ ...one, action: 'close-issue', without: 'key' },
      sent: { method: 'PUT', url: `${lab}/issues/12`, body: { state_event: 'close' } },
      at,
      found: [[closed, 'happened'], [open, 'did-not-happen'], [[], 'unclear'], unclear],
      before: { ready: open, already: closed, unfit: [[other], {}] },
    },
    {
      ...{ ...one, action: 'reopen-issue', without: 'key' },
      sent: { method: 'PUT', url: `${lab}/issues/12`, body: { state_event: 'reopen' } },
      at,
      found: [[open, 'happened'], [closed, 'did-not-happen'], [[], 'unclear'], unclear],
      before: { ready: closed, already: open, unfit: [[other], {}] },
    },
    {
      ...{ ...two, action: 'comment-issue', without: 'issue' },
      sent: { method: 'POST', url: `${lab}/issues/12/notes`, body: { body: commentText } },
      at: notesAt,
      found: [[said, 'happened'], [[], 'did-not-happen'], unclear],
      before: { ready: [], already: said, unfit: [{}] },
    },
    {
      ...{ ...two, action: 'delete-comment', without: 'issue' },
      sent: { method: 'DELETE', url: `${lab}/issues/12/notes/77` },
      at: notesAt,
      found: [[[], 'happened'], [said, 'did-not-happen'], unclear],
      before: { ready: said, already: [], unfit: [{}] },
    },
  ];
}
