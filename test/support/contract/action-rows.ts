import { markOf } from '../../../shared/platforms/action.ts';
import type { ActionRequest, LookUp } from '../../../shared/platforms/index.ts';
import { commentMark, issueMark } from '../../../shared/platforms/issues.ts';

/** One action, as its platform's API sees it. Whoever adds an action adds a row. */
export interface ActionRow {
  readonly platform: string;
  readonly action: string;
  readonly parameters?: NonNullable<ActionRequest['parameters']>;
  /** Where it is about something else than the other rows of its platform. */
  readonly request?: Partial<ActionRequest>;
  /** The one request that changes something. */
  readonly sent: {
    readonly method: string;
    readonly url: string;
    readonly body?: unknown;
    /** Of an API that names its operations in a header. */
    readonly target?: string;
  };
  /** Where it is looked up, and what is found there means. Absent: it is not, and that is what it says. */
  readonly at?: string | NonNullable<ActionRow['sent']>;
  readonly found: readonly (readonly [answer: unknown, LookUp])[];
  readonly always?: LookUp;
  /** What is read before it acts. Absent: nothing is. */
  readonly before?: {
    readonly ready: unknown;
    readonly already?: unknown;
    readonly unfit?: readonly unknown[];
  };
  /** What is read is not there any more once it has happened. */
  readonly removes?: true;
  /** The name of a parameter that it does not act without. */
  readonly without?: string;
}

/** The request that all rows are about, but for their parameters. */
type Asked = Pick<ActionRow, 'platform' | 'action' | 'parameters' | 'request'>;
export function requestOf({ platform, action, parameters, request: other }: Asked) {
  const ids: Record<string, Pick<ActionRequest, 'repository' | 'repositoryId' | 'externalId' | 'runId'>> = {
    vercel: { repository: 'acme/shop', repositoryId: 'team_a/prj_1', externalId: 'dpl_9', runId: 'vercel:dpl_9:1' },
    huggingface: { repository: 'acme/demo', repositoryId: 'acme/demo', externalId: 'acme/demo@abc', runId: 'hf:1:1' },
  };
  const common = { repository: 'acme/shop', repositoryId: '7', externalId: '9', runId: `${platform}:5:1` };
  const request: ActionRequest = {
    ...{ action, attempt: 1, parameters, subject: `${platform}:5:job:9` },
    ...(ids[platform] ?? common),
    ...other,
  };
  return request;
}

const repo = '/repos/acme/shop';
const hub = `${repo}/actions`;
const lab = '/api/v4/projects/7';
const unclear = [{}, 'unclear'] as const;

const ran = [[{ run_attempt: 2 }, 'happened'], [{ run_attempt: 1 }, 'did-not-happen'], unclear] as const;
const ended = [
  [{ status: 'completed', conclusion: 'cancelled' }, 'happened'],
  [{ status: 'completed', conclusion: 'success' }, 'happened'],
  [{ status: 'in_progress' }, 'did-not-happen'],
  [[], 'unclear'],
] as const;

const cache = { key: 'npm {a}', ref: 'refs/heads/main' };
const cachesUrl = `${hub}/caches?key=npm+%7Ba%7D&ref=refs%2Fheads%2Fmain`;
export const SINCE = '2026-03-04T05:06:07.000Z';

const issue = { title: 'A runner is broken', body: 'It is out of disk.', key: 'incident-1' };
const comment = { issue: '12', body: 'It happened again.', key: 'run-5' };
/** As they are found again: the same for each platform, as the marks are made of the request. */
const markOfIssue = issueMark(requestOf({ platform: 'github', action: 'open-issue', parameters: issue }));
const markOfComment = commentMark(requestOf({ platform: 'github', action: 'comment-issue', parameters: comment }));
const issueText = `${issue.body}\n\n${markOfIssue}\n`;
const commentText = `${comment.body}\n\n${markOfComment}\n`;

const github: readonly ActionRow[] = [
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
    found: ended,
  },
  {
    ...{ platform: 'github', action: 'force-cancel-run' },
    sent: { method: 'POST', url: `${hub}/runs/5/force-cancel` },
    at: `${hub}/runs/5`,
    found: ended,
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
    parameters: { workflow: 'ci.yml', ref: 'main', since: SINCE, 'input.level': 'debug' },
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

const gitlab: readonly ActionRow[] = [
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

const vercel: readonly ActionRow[] = vercelRows();

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
      before: {
        ready: list(failed),
        already: list(anew, failed),
        unfit: [list({ ...failed, state: 'READY' }), list(), {}],
      },
    },
    {
      ...{ ...moved, action: 'promote' },
      sent: { method: 'POST', url: '/v10/projects/prj_1/promote/dpl_8?teamId=team_a' },
      ...{ at, found: live },
      before: { ready: serving('dpl_7'), already: serving('dpl_8'), unfit: [[]] },
    },
    {
      ...{ ...moved, action: 'instant-rollback' },
      sent: { method: 'POST', url: '/v1/projects/prj_1/rollback/dpl_8?teamId=team_a' },
      ...{ at, found: live },
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
      before: {
        ready: asked('dpl_7', 'dpl_8'),
        already: asked('dpl_8', 'dpl_7'),
        unfit: [asked('dpl_7', 'dpl_8', 'pending'), asked('dpl_1', 'dpl_2'), {}],
      },
    },
  ];
}

const huggingface: readonly ActionRow[] = [
  ...(['restart-space', 'factory-rebuild'] as const).map(
    (action): ActionRow => ({
      ...{ platform: 'huggingface', action },
      sent: {
        method: 'POST',
        url: `/api/spaces/acme/demo/restart${action === 'factory-rebuild' ? '?factory=true' : ''}`,
      },
      at: '/api/spaces/acme/demo/runtime',
      found: [
        [{ stage: 'APP_STARTING' }, 'happened'],
        [{ stage: 'PAUSED' }, 'did-not-happen'],
        [{ stage: 'RUNTIME_ERROR' }, 'unclear'],
        unclear,
      ],
      before: { ready: { stage: 'RUNTIME_ERROR' }, already: { stage: 'BUILDING' }, unfit: [{ stage: 'DELETING' }, {}] },
    }),
  ),
  {
    ...{ platform: 'huggingface', action: 'pause-space' },
    sent: { method: 'POST', url: '/api/spaces/acme/demo/pause' },
    at: '/api/spaces/acme/demo/runtime',
    found: [[{ stage: 'PAUSED' }, 'happened'], [{ stage: 'RUNNING' }, 'did-not-happen'], unclear],
    before: { ready: { stage: 'RUNNING' }, already: { stage: 'PAUSED' }, unfit: [{}] },
  },
  {
    ...{ platform: 'huggingface', action: 'resume-space' },
    sent: { method: 'POST', url: '/api/spaces/acme/demo/restart' },
    at: '/api/spaces/acme/demo/runtime',
    found: [[{ stage: 'APP_STARTING' }, 'happened'], [{ stage: 'PAUSED' }, 'did-not-happen'], unclear],
    before: { ready: { stage: 'STOPPED' }, already: { stage: 'RUNNING' }, unfit: [{}] },
  },
];

const parameters = { webhook: 'restart', key: 'incident-1', 'data.host': 'mac-3' };
const anywhere: readonly ActionRow[] = [
  {
    ...{ platform: 'anywhere', action: 'call-webhook', parameters, without: 'webhook' },
    sent: {
      method: 'POST',
      url: '/hook',
      body: {
        type: 'qmoi.action',
        timestamp: SINCE,
        data: {
          ...{ webhook: 'restart', platform: 'anywhere', repository: 'acme/shop', attempt: 1 },
          ...{ runId: 'anywhere:5:1', subject: 'anywhere:5:job:9', data: { host: 'mac-3' } },
        },
      },
    },
    ...{ found: [], always: 'did-not-happen' },
  },
  ...aws(),
];

function aws(): ActionRow[] {
  const instance = 'i-0123456789abcdef0';
  const one = { platform: 'anywhere', parameters: { instance }, without: 'instance' };
  const told = (fields: string) =>
    `<DescribeAutoScalingInstancesResponse><DescribeAutoScalingInstancesResult><AutoScalingInstances>${fields}</AutoScalingInstances></DescribeAutoScalingInstancesResult></DescribeAutoScalingInstancesResponse>`;
  const inGroup = (state: string, group = 'runners') =>
    told(
      `<member><LifecycleState>${state}</LifecycleState><AutoScalingGroupName>${group}</AutoScalingGroupName></member>`,
    );
  const document = { document: 'AWS-RunShellScript', instance, key: 'incident-1', 'parameter.commands': 'df -h' };
  const mark = markOf(
    requestOf({ platform: 'anywhere', action: 'run-document', parameters: document }),
    `run-document AWS-RunShellScript ${instance}`,
  );
  const ran = { Commands: [{ Comment: 'of somebody else' }, { Comment: `qmoi:${mark}` }] };
  return [
    {
      ...{ ...one, action: 'reboot-instance' },
      sent: { method: 'POST', url: '/', body: `Action=RebootInstances&Version=2016-11-15&InstanceId.1=${instance}` },
      ...{ found: [], always: 'unclear' },
    },
    {
      ...{ ...one, action: 'terminate-instance' },
      sent: {
        method: 'POST',
        url: '/',
        body: `Action=TerminateInstanceInAutoScalingGroup&Version=2011-01-01&InstanceId=${instance}&ShouldDecrementDesiredCapacity=false`,
      },
      at: {
        method: 'POST',
        url: '/',
        body: `Action=DescribeAutoScalingInstances&Version=2011-01-01&InstanceIds.member.1=${instance}`,
      },
      found: [
        [inGroup('Terminating:Wait'), 'happened'],
        [told(''), 'happened'],
        [inGroup('InService'), 'did-not-happen'],
        ['', 'unclear'],
      ],
      before: {
        ready: inGroup('InService'),
        already: inGroup('Terminating'),
        unfit: [inGroup('InService', 'others'), told(''), ''],
      },
    },
    {
      ...{ ...one, action: 'run-document', parameters: document },
      sent: {
        ...{ method: 'POST', url: '/', target: 'AmazonSSM.SendCommand' },
        body: {
          ...{ DocumentName: 'AWS-RunShellScript', InstanceIds: [instance], Comment: `qmoi:${mark}` },
          ...{ TimeoutSeconds: 600, Parameters: { commands: ['df -h'] } },
        },
      },
      at: {
        ...{ method: 'POST', url: '/', target: 'AmazonSSM.ListCommands' },
        body: { InstanceId: instance, MaxResults: 50 },
      },
      found: [[ran, 'happened'], [{ Commands: [] }, 'did-not-happen'], unclear],
      before: { ready: { Commands: [] }, already: ran, unfit: [{}] },
    },
  ];
}

const braket: readonly ActionRow[] = [...(['task', 'job'] as const).map(cancelled), resubmitted()];

function cancelled(kind: 'task' | 'job'): ActionRow {
  const type = kind === 'task' ? 'quantum-task' : 'job';
  const at = `/${type}/${encodeURIComponent(`arn:aws:braket:us-east-1:123456789012:${type}/7-a`)}`;
  const request = { externalId: `${kind}-7-a`, runId: `braket:${kind}-7-a:1` };
  const clientToken = markOf(
    { ...requestOf({ platform: 'braket', action: 'cancel-task' }), ...request },
    'cancel-task',
  );
  return {
    ...{ platform: 'braket', action: 'cancel-task', request, at },
    sent: { method: 'PUT', url: `${at}/cancel`, body: kind === 'task' ? { clientToken } : {} },
    found: [
      [{ status: 'CANCELLING' }, 'happened'],
      [{ status: 'COMPLETED' }, 'happened'],
      [{ status: 'QUEUED' }, 'did-not-happen'],
      unclear,
    ],
    before: { ready: { status: 'RUNNING' }, already: { status: 'FAILED' }, unfit: [{}] },
  };
}

function resubmitted(): ActionRow {
  const parameters = { program: 'OPENQASM 3; qubit q; h q;', shots: '100' };
  const request = { externalId: 'task-7-a', runId: 'braket:task-7-a:1' };
  const row = { platform: 'braket', action: 'resubmit-task', parameters, request };
  const failed = {
    ...{ status: 'FAILED', deviceArn: 'arn:aws:braket:::device/quantum-simulator/amazon/sv1', shots: 1000 },
    ...{ outputS3Bucket: 'amazon-braket-results', outputS3Directory: 'tasks/7-a' },
  };
  return {
    ...row,
    without: 'program',
    sent: {
      method: 'POST',
      url: '/quantum-task',
      body: {
        action: JSON.stringify({
          braketSchemaHeader: { name: 'braket.ir.openqasm.program', version: '1' },
          source: parameters.program,
        }),
        clientToken: markOf(requestOf(row), 'resubmit-task'),
        deviceArn: failed.deviceArn,
        ...{ outputS3Bucket: 'amazon-braket-results', outputS3KeyPrefix: 'tasks', shots: 100 },
      },
    },
    at: `/quantum-task/${encodeURIComponent('arn:aws:braket:us-east-1:123456789012:quantum-task/7-a')}`,
    ...{ found: [], always: 'did-not-happen' },
    before: {
      ready: failed,
      unfit: [
        { ...failed, status: 'RUNNING' },
        { ...failed, shots: 99 },
        { ...failed, outputS3Bucket: 'of-somebody-else' },
        {},
      ],
    },
  };
}

export const ACTION_ROWS: readonly ActionRow[] = [
  ...github,
  ...gitlab,
  ...vercel,
  ...huggingface,
  ...braket,
  ...anywhere,
];
