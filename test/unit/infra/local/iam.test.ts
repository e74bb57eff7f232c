import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globMatches } from '../../../../infra/local/iam/glob.ts';
import {
  type AuthorizerOptions,
  assertPassRole,
  createAuthorizer,
  type PolicyDocument,
  type PolicyStatement,
} from '../../../../infra/local/iam/index.ts';
import type { AwsFault, Caller } from '../../../../infra/local/kernel.ts';
import { testClock } from '../../../support/test-clock.ts';

const ROLE = 'arn:aws:iam::000000000000:role/Qmoi-RecordRole';
const RULE = 'arn:aws:events:us-east-1:000000000000:rule/qmoi/record';
const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:record';
const record: Caller = { type: 'role', arn: ROLE, functionName: 'record' };
const events: Caller = { type: 'service', principal: 'events.amazonaws.com', sourceArn: RULE };

const policy = (...Statement: PolicyStatement[]): PolicyDocument => ({ Version: '2012-10-17', Statement });

/** A policy variable, spelled so that it is no template placeholder of ours. */
const variable = (name: string) => `$\{${name}}`;

function build(
  policies: PolicyDocument[],
  resourcePolicies: AuthorizerOptions['resourcePolicies'] = {},
  extra: Partial<AuthorizerOptions> = {},
) {
  return createAuthorizer({ clock: testClock(), roles: [{ arn: ROLE, policies }], resourcePolicies, ...extra });
}

function allowed(
  statement: Partial<PolicyStatement>,
  call: { caller?: Caller; action?: string; resource?: string; context?: Record<string, string> } = {},
): boolean {
  const full: PolicyStatement = { Effect: 'Allow', Action: '*', Resource: '*', ...statement };
  const authorize = build([policy(full)]);
  try {
    authorize(call.caller ?? record, call.action ?? 'sqs:SendMessage', call.resource ?? QUEUE, call.context);
    return true;
  } catch {
    return false;
  }
}

function denial(run: () => void): AwsFault {
  try {
    run();
  } catch (error) {
    return error as AwsFault;
  }
  throw new Error('the call was allowed');
}

describe('a role', () => {
  it('may do what a policy of it allows, and only that', () => {
    const authorize = build([policy({ Effect: 'Allow', Action: ['sqs:Send*', 'sqs:deletemessage'], Resource: QUEUE })]);
    authorize(record, 'sqs:SendMessage', QUEUE);
    authorize(record, 'sqs:DeleteMessage', QUEUE);
    expect(() => authorize(record, 'sqs:ReceiveMessage', QUEUE)).toThrow();
    expect(() => authorize(record, 'sqs:SendMessage', `${QUEUE}2`)).toThrow();
    expect(() => authorize({ ...record, arn: `${ROLE}2` }, 'sqs:SendMessage', QUEUE)).toThrow();
  });

  it('is told in the words of AWS who it is and what it lacks', () => {
    const denied: string[] = [];
    const authorize = build([], {}, { onDenied: ({ message }) => denied.push(message) });
    const fault = denial(() =>
      authorize(record, 'dynamodb:PutItem', 'arn:aws:dynamodb:us-east-1:000000000000:table/t'),
    );
    expect(fault).toMatchObject({ code: 'AccessDeniedException', status: 400 });
    expect(fault.message).toBe(
      'User: arn:aws:sts::000000000000:assumed-role/Qmoi-RecordRole/record is not authorized to perform: dynamodb:PutItem ' +
        'on resource: arn:aws:dynamodb:us-east-1:000000000000:table/t because no identity-based policy allows the dynamodb:PutItem action',
    );
    expect(denied).toEqual([fault.message]);
    expect(denial(() => authorize(record, 'sqs:SendMessage', QUEUE))).toMatchObject({
      code: 'AccessDenied',
      status: 403,
    });
    expect(denial(() => authorize(record, 'sns:Publish', 'arn:aws:sns:us-east-1:000000000000:t')).code).toBe(
      'AuthorizationError',
    );
  });

  it('is stopped by an explicit deny of either kind', () => {
    const allow = policy({ Effect: 'Allow', Action: '*', Resource: '*' });
    const denyOne = policy({ Effect: 'Deny', Action: 'sqs:SendMessage', Resource: '*' });
    expect(denial(() => build([allow, denyOne])(record, 'sqs:SendMessage', QUEUE)).message).toContain(
      'with an explicit deny in an identity-based policy',
    );
    const queuePolicy = policy({
      Effect: 'Deny',
      Principal: { AWS: '*' },
      Action: 'sqs:*',
      Resource: QUEUE,
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    });
    build([allow], { [QUEUE]: [queuePolicy] })(record, 'sqs:SendMessage', QUEUE);
    const plain = policy({
      Effect: 'Deny',
      Principal: { AWS: 'arn:aws:iam::000000000000:root' },
      Action: 'sqs:*',
      Resource: '*',
    });
    expect(denial(() => build([allow], { [QUEUE]: [plain] })(record, 'sqs:SendMessage', QUEUE)).message).toContain(
      'with an explicit deny in a resource-based policy',
    );
  });

  it('may do what the resource lets it do by name, but not because its account is named', () => {
    const grant = (AWS: string) => ({
      [QUEUE]: [policy({ Effect: 'Allow', Principal: { AWS }, Action: 'sqs:*', Resource: QUEUE })],
    });
    build([], grant(ROLE))(record, 'sqs:SendMessage', QUEUE);
    build([], grant('arn:aws:sts::000000000000:assumed-role/Qmoi-RecordRole/record'))(record, 'sqs:SendMessage', QUEUE);
    expect(() => build([], grant('arn:aws:iam::000000000000:root'))(record, 'sqs:SendMessage', QUEUE)).toThrow();
    expect(() => build([], grant(`${ROLE}2`))(record, 'sqs:SendMessage', QUEUE)).toThrow();
  });

  it('understands NotAction, NotResource and policy variables', () => {
    expect(allowed({ Action: undefined, NotAction: 'sqs:Delete*' })).toBe(true);
    expect(allowed({ Action: undefined, NotAction: 'sqs:Send*' })).toBe(false);
    expect(allowed({ Resource: undefined, NotResource: `${QUEUE}*` })).toBe(false);
    expect(allowed({ Resource: undefined, NotResource: 'arn:aws:sqs:*:*:other' })).toBe(true);
    const byAccount = `arn:aws:sqs:us-east-1:${variable('aws:PrincipalAccount')}:*`;
    expect(allowed({ Resource: byAccount })).toBe(true);
    expect(allowed({ Resource: byAccount }, { resource: 'arn:aws:sqs:us-east-1:111111111111:record' })).toBe(false);
    expect(allowed({ Resource: `arn:aws:sqs:*:*:${variable('aws:PrincipalTag/team')}` })).toBe(false);
    expect(allowed({ Resource: `arn:aws:sqs:*:*:${variable("aws:PrincipalTag/team, 'record'")}` })).toBe(true);
    expect(allowed({ Resource: `x${variable('*')}` }, { resource: 'xyz' })).toBe(false);
    expect(allowed({ Resource: `x${variable('*')}` }, { resource: 'x*' })).toBe(true);
  });

  it('takes no wildcard from the value of a variable, and no variable in an old policy', () => {
    const statement: PolicyStatement = { Effect: 'Allow', Action: '*', Resource: `topic/${variable('sns:Endpoint')}` };
    const authorize = build([policy(statement)]);
    expect(() => authorize(record, 'sns:Publish', 'topic/anything', { 'sns:Endpoint': '*' })).toThrow();
    authorize(record, 'sns:Publish', 'topic/*', { 'sns:Endpoint': '*' });
    const old = build([{ Version: '2008-10-17', Statement: statement }]);
    expect(() => old(record, 'sns:Publish', 'topic/a', { 'sns:Endpoint': 'a' })).toThrow();
  });
});

describe('conditions', () => {
  const cases: [string, Record<string, Record<string, string | string[]>>, Record<string, string>, boolean][] = [
    ['StringEquals, any of the values', { StringEquals: { k: ['a', 'b'] } }, { k: 'b' }, true],
    ['StringEquals is no pattern', { StringEquals: { k: 'a*' } }, { k: 'ab' }, false],
    [
      'StringEquals, key in another case',
      { StringEquals: { 'iam:PassedToService': 'x' } },
      { 'IAM:passedtoservice': 'x' },
      true,
    ],
    ['StringEquals, missing', { StringEquals: { k: 'a' } }, {}, false],
    ['StringEqualsIfExists, missing', { StringEqualsIfExists: { k: 'a' } }, {}, true],
    ['StringEqualsIfExists, another', { StringEqualsIfExists: { k: 'a' } }, { k: 'b' }, false],
    ['StringNotEquals, none of the values', { StringNotEquals: { k: ['a', 'b'] } }, { k: 'b' }, false],
    ['StringNotEquals, missing', { StringNotEquals: { k: 'a' } }, {}, true],
    ['StringEqualsIgnoreCase', { StringEqualsIgnoreCase: { k: 'AB' } }, { k: 'aB' }, true],
    ['StringNotEqualsIgnoreCase', { StringNotEqualsIgnoreCase: { k: 'AB' } }, { k: 'aB' }, false],
    ['StringLike', { StringLike: { k: 'a?c*' } }, { k: 'abcdef' }, true],
    ['StringNotLike', { StringNotLike: { k: 'a?c*' } }, { k: 'ac' }, true],
    ['Bool', { Bool: { 'aws:SecureTransport': 'true' } }, {}, true],
    ['Bool, other', { Bool: { 'aws:SecureTransport': 'false' } }, {}, false],
    ['NumericLessThanEquals', { NumericLessThanEquals: { k: '10' } }, { k: '10' }, true],
    ['NumericLessThan', { NumericLessThan: { k: '10' } }, { k: '9.5' }, true],
    ['NumericGreaterThan on a word', { NumericGreaterThan: { k: '10' } }, { k: 'many' }, false],
    ['NumericEquals', { NumericEquals: { k: '10' } }, { k: '10.0' }, true],
    ['NumericNotEquals', { NumericNotEquals: { k: '10' } }, { k: '11' }, true],
    ['DateLessThan', { DateLessThan: { 'aws:CurrentTime': '2026-03-01T12:00:01Z' } }, {}, true],
    ['DateGreaterThan', { DateGreaterThan: { 'aws:CurrentTime': '2026-03-01T12:00:01Z' } }, {}, false],
    ['DateEquals, epoch', { DateEquals: { 'aws:EpochTime': '1772366400' } }, {}, true],
    ['IpAddress v4', { IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } }, {}, true],
    ['IpAddress single', { IpAddress: { k: '10.0.0.1' } }, { k: '10.0.0.2' }, false],
    ['IpAddress v6', { IpAddress: { k: '2001:db8::/32' } }, { k: '2001:db8:1::5' }, true],
    ['IpAddress of the other family', { IpAddress: { k: '2001:db8::/32' } }, { k: '10.0.0.1' }, false],
    ['NotIpAddress', { NotIpAddress: { k: '10.0.0.0/8' } }, { k: '11.0.0.1' }, true],
    ['ArnLike', { ArnLike: { k: 'arn:aws:sns:*:*:qmoi-*' } }, { k: 'arn:aws:sns:us-east-1:1:qmoi-x:y' }, true],
    ['ArnLike keeps to its part', { ArnLike: { k: 'arn:aws:*:topic' } }, { k: 'arn:aws:sns:us-east-1:1:topic' }, false],
    ['ArnNotEquals', { ArnNotEquals: { k: 'arn:aws:sns:*:*:a' } }, { k: 'arn:aws:sns:us-east-1:1:b' }, true],
    ['Null true, missing', { Null: { k: 'true' } }, {}, true],
    ['Null false, missing', { Null: { k: 'false' } }, {}, false],
    ['Null false, present', { Null: { k: 'false' } }, { k: 'x' }, true],
    ['ForAllValues, missing', { 'ForAllValues:StringEquals': { k: 'a' } }, {}, true],
    ['ForAllValues', { 'ForAllValues:StringEquals': { k: ['a', 'b'] } }, { k: 'c' }, false],
    ['ForAnyValue, missing', { 'ForAnyValue:StringEquals': { k: 'a' } }, {}, false],
    ['ForAnyValue', { 'ForAnyValue:StringLike': { k: 'a*' } }, { k: 'ab' }, true],
    [
      'all operators must hold',
      { StringEquals: { k: 'a' }, Bool: { 'aws:SecureTransport': 'false' } },
      { k: 'a' },
      false,
    ],
    ['all keys must hold', { StringEquals: { k: 'a', l: 'b' } }, { k: 'a', l: 'c' }, false],
    ['variable in a value', { StringEquals: { k: `${variable('aws:PrincipalArn')}` } }, { k: ROLE }, true],
  ];
  it.each(cases)('%s', (_name, Condition, context, expected) => {
    expect(allowed({ Condition }, { context })).toBe(expected);
  });

  it('refuses an operator that IAM does not have', () => {
    expect(() => allowed({ Condition: { StringMatches: { k: 'a' } } })).toThrow('StringMatches');
  });

  it('does not remember a decision that time can change', () => {
    const clock = testClock();
    const until = policy({
      Effect: 'Allow',
      Action: '*',
      Resource: '*',
      Condition: { DateLessThan: { 'aws:CurrentTime': '2026-03-01T12:00:01Z' } },
    });
    const authorize = createAuthorizer({ clock, roles: [{ arn: ROLE, policies: [until] }] });
    authorize(record, 'sqs:SendMessage', QUEUE);
    void clock.jump(2_000);
    expect(() => authorize(record, 'sqs:SendMessage', QUEUE)).toThrow();
  });
});

describe('a service', () => {
  const queuePolicy = policy({
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: QUEUE,
    Condition: { ArnEquals: { 'aws:SourceArn': RULE }, StringEquals: { 'aws:SourceAccount': '000000000000' } },
  });

  it('may only what the resource allows it for that source', () => {
    const authorize = build([], { [QUEUE]: [queuePolicy] });
    authorize(events, 'sqs:SendMessage', QUEUE);
    expect(denial(() => authorize({ ...events, sourceArn: `${RULE}2` }, 'sqs:SendMessage', QUEUE)).message).toBe(
      `Service: events.amazonaws.com (for ${RULE}2) is not authorized to perform: sqs:SendMessage on resource: ${QUEUE} ` +
        'because no resource-based policy allows the sqs:SendMessage action',
    );
    expect(() => authorize({ ...events, principal: 'sns.amazonaws.com' }, 'sqs:SendMessage', QUEUE)).toThrow();
    expect(() => authorize(record, 'sqs:SendMessage', QUEUE)).toThrow();
  });

  it('is not meant by a wildcard over AWS principals, but by a bare one, unless left out', () => {
    const open = (Principal: PolicyStatement['Principal']) => ({
      [QUEUE]: [policy({ Effect: 'Allow', Principal, Action: '*', Resource: '*' })],
    });
    expect(() => build([], open({ AWS: '*' }))(events, 'sqs:SendMessage', QUEUE)).toThrow();
    build([], open('*'))(events, 'sqs:SendMessage', QUEUE);
    const except = policy({
      Effect: 'Allow',
      NotPrincipal: { Service: 'events.amazonaws.com' },
      Action: '*',
      Resource: '*',
    });
    expect(() => build([], { [QUEUE]: [except] })(events, 'sqs:SendMessage', QUEUE)).toThrow();
  });
});

describe('roles handed on', () => {
  it('are assumed by the services that their trust policy names', () => {
    const assumeRolePolicy = policy({
      Effect: 'Allow',
      Principal: { Service: 'scheduler.amazonaws.com' },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'aws:SourceAccount': '000000000000' } },
    });
    const { assertAssumable } = createAuthorizer({
      clock: testClock(),
      roles: [{ arn: ROLE, policies: [], assumeRolePolicy }],
    });
    assertAssumable(ROLE, 'scheduler.amazonaws.com', 'arn:aws:scheduler:us-east-1:000000000000:schedule/default/wake');
    expect(() => assertAssumable(ROLE, 'events.amazonaws.com', RULE)).toThrow('sts:AssumeRole');
    expect(() => assertAssumable('arn:aws:iam::000000000000:role/none', 'scheduler.amazonaws.com', RULE)).toThrow();
  });

  it('need iam:PassRole for that service', () => {
    const pass = policy({
      Effect: 'Allow',
      Action: 'iam:PassRole',
      Resource: ROLE,
      Condition: { StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } },
    });
    const authorize = build([pass]);
    assertPassRole(authorize, record, ROLE, 'scheduler.amazonaws.com');
    expect(() => assertPassRole(authorize, record, ROLE, 'lambda.amazonaws.com')).toThrow('iam:PassRole');
  });
});

describe('the decision cache', () => {
  it('tells apart what a condition can tell apart, and reports each allowed triple once', () => {
    const seen: string[] = [];
    const authorize = build(
      [policy({ Effect: 'Allow', Action: '*', Resource: '*', Condition: { StringEquals: { k: 'a' } } })],
      {},
      { onAllowed: (_caller, action) => seen.push(action) },
    );
    for (let i = 0; i < 3; i++) {
      authorize(record, 'x:Y', 'r', { k: 'a', irrelevant: `${i}` });
      expect(() => authorize(record, 'x:Y', 'r', { k: 'b' })).toThrow();
      expect(() => authorize(record, 'x:Y', 'r')).toThrow();
    }
    expect(seen).toEqual(['x:Y']);
  });
});

describe('globs', () => {
  it('agree with the obvious definition', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });
    const slow = (p: string, t: string): boolean => {
      if (p === '') return t === '';
      if (p[0] === '*') return slow(p.slice(1), t) || (t !== '' && slow(p, t.slice(1)));
      return t !== '' && (p[0] === '?' || p[0] === t[0]) && slow(p.slice(1), t.slice(1));
    };
    fc.assert(fc.property(letters, text, (p, t) => globMatches(p, t) === slow(p, t)));
  });
});
