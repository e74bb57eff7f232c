import { cpSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Assembly, readAssembly } from '../../../../infra/local/assembly.ts';
import { resolveTemplate, type Template } from '../../../../infra/local/cloudformation.ts';
import { readModel } from '../../../../infra/local/model/index.ts';
import { fixtureAssembly } from '../../../support/host-fixture/index.ts';

const ORIGINS = { aws: 'http://127.0.0.1:4000', api: 'http://127.0.0.1:3000' };

describe('intrinsic functions', () => {
  const resolve = (Properties: unknown, more: Partial<Template> = {}) =>
    resolveTemplate(
      {
        Resources: {
          Other: { Type: 'Named', Properties: { Name: { 'Fn::Join': ['-', ['a', { Ref: 'AWS::StackName' }]] } } },
          It: { Type: 'Named', Properties },
        },
        ...more,
      },
      'Stack',
      (type, _, name) =>
        type === 'Named' ? { ref: name('Name'), attributes: { Arn: `arn:${name('Name')}` } } : undefined,
    ).at(-1)?.properties;

  it('resolves references, attributes and text functions', () => {
    expect(
      resolve({
        ref: { Ref: 'Other' },
        arn: { 'Fn::GetAtt': ['Other', 'Arn'] },
        dotted: { 'Fn::GetAtt': 'Other.Arn' },
        // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own syntax
        sub: { 'Fn::Sub': '${AWS::Region}/${Other}/${Other.Arn}/${!kept}' },
        // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own syntax
        subWith: { 'Fn::Sub': ['${x}${Other}', { x: { Ref: 'AWS::Partition' } }] },
        picked: { 'Fn::Select': [1, { 'Fn::Split': ['-', { Ref: 'Other' }] }] },
        base64: { 'Fn::Base64': 'hi' },
        left: { a: { Ref: 'AWS::NoValue' }, b: [{ Ref: 'AWS::NoValue' }, 1] },
        statement: { Condition: { StringEquals: { a: 'b' } } },
      }),
    ).toEqual({
      ref: 'a-Stack',
      arn: 'arn:a-Stack',
      dotted: 'arn:a-Stack',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own syntax
      sub: 'us-east-1/a-Stack/arn:a-Stack/${kept}',
      subWith: 'awsa-Stack',
      picked: 'Stack',
      base64: 'aGk=',
      left: { b: [1] },
      statement: { Condition: { StringEquals: { a: 'b' } } },
    });
  });

  it('evaluates conditions', () => {
    const Conditions = {
      Here: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'us-east-1'] },
      Both: { 'Fn::And': [{ Condition: 'Here' }, { 'Fn::Not': [{ Condition: 'There' }] }] },
      There: { 'Fn::Or': [{ 'Fn::Equals': ['a', 'b'] }, { 'Fn::Equals': ['a', 'c'] }] },
    };
    expect(resolve({ value: { 'Fn::If': ['Both', 'yes', 'no'] } }, { Conditions })).toEqual({ value: 'yes' });
    expect(resolve({ value: { 'Fn::If': ['There', 'yes', { Ref: 'AWS::NoValue' }] } }, { Conditions })).toEqual({});
  });

  it.each([
    [{ a: { 'Fn::ImportValue': 'x' } }, /intrinsic function Fn::ImportValue/],
    [{ a: { Ref: 'Missing' } }, /Missing is referred to/],
    [{ a: { 'Fn::GetAtt': ['Other', 'Color'] } }, /attribute Color of Named \(Other\)/],
    [{ a: '{{resolve:ssm:x}}' }, /dynamic reference/],
    [{ Name: { Ref: 'It' } }, /named after itself/],
  ])('refuses %j', (properties, reason) => {
    expect(() => resolve(properties)).toThrow(reason);
  });
});

describe('a cloud assembly', () => {
  let folder: string;
  let assembly: Assembly;
  beforeAll(async () => {
    folder = await fixtureAssembly();
    assembly = readAssembly(folder);
  });
  const change = (edit: (template: Record<string, { Type: string; Properties: Record<string, unknown> }>) => void) => {
    const template = structuredClone(assembly.template) as unknown as { Resources: Parameters<typeof edit>[0] };
    edit(template.Resources);
    return readModel({ ...assembly, template: template as unknown as Template }, ORIGINS);
  };
  const find = (resources: Record<string, { Type: string; Properties: Record<string, unknown> }>, type: string) => {
    const found = Object.values(resources).find(({ Type }) => Type === type);
    if (!found) throw new Error(`The fixture has no ${type}.`);
    return found.Properties;
  };

  it('becomes functions, sources, routes, rules and grants', () => {
    const model = readModel(assembly, ORIGINS);
    expect(model.functions.map(({ name, timeoutSeconds }) => [name, timeoutSeconds])).toContainEqual([
      'fixture-misbehave',
      1,
    ]);
    const consume = model.functions.find(({ name }) => name === 'fixture-consume');
    expect(consume?.environment).toEqual({
      TABLE_NAME: 'Fixture-TableCD117FA1',
      TOPIC_ARN: 'arn:aws:sns:us-east-1:000000000000:fixture-topic',
    });
    expect(model.queueMappings).toEqual([
      expect.objectContaining({
        functionArn: consume?.arn,
        sourceArn: 'arn:aws:sqs:us-east-1:000000000000:fixture-queue',
        batchSize: 10,
        maximumConcurrency: 2,
        partialFailures: true,
      }),
    ]);
    expect(model.streamMappings).toEqual([
      expect.objectContaining({
        tableName: 'Fixture-TableCD117FA1',
        bisect: true,
        maximumRetries: 5,
        startingPosition: 'TRIM_HORIZON',
        filters: ['{"dynamodb":{"NewImage":{"entity":{"S":["delivery"]}}}}'],
      }),
    ]);
    expect(model.queues.find(({ name }) => name === 'fixture-queue')).toMatchObject({
      url: 'http://127.0.0.1:4000/000000000000/fixture-queue',
      visibilityTimeout: 60,
      redrive: { deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:fixture-dead', maxReceiveCount: 3 },
    });
    expect(model.api?.routes.map(({ key, authorizer }) => [key, authorizer !== undefined])).toEqual([
      ['ANY /webhooks/{platform}', false],
      ['ANY /v1/{proxy+}', true],
      ['POST /misbehave/{how}', false],
    ]);
    expect(model.rules).toEqual([
      expect.objectContaining({
        busName: 'fixture',
        pattern: { source: ['qmoi'], 'detail-type': ['delivery.received'] },
        targets: [expect.objectContaining({ arn: 'arn:aws:sqs:us-east-1:000000000000:fixture-queue' })],
      }),
    ]);
    expect(model.schedules).toEqual([expect.objectContaining({ expression: 'rate(1 minute)' })]);
    const role = model.roles.find(({ functionName }) => functionName === 'fixture-receive');
    expect(JSON.stringify(role?.policies)).toContain('"dynamodb:PutItem"');
    expect(Object.keys(model.resourcePolicies)).toEqual(
      expect.arrayContaining([consume?.arn, 'arn:aws:sqs:us-east-1:000000000000:fixture-queue'].slice(1)),
    );
  });

  it('is refused when a resource would do what the host does not', () => {
    expect(() =>
      change((resources) => {
        resources.Bucket = { Type: 'AWS::S3::Bucket', Properties: {} };
      }),
    ).toThrow('AWS::S3::Bucket (Bucket)');
  });

  it('is refused when a property would change behaviour, with every such property named', () => {
    expect(() =>
      change((resources) => {
        find(resources, 'AWS::SQS::Queue');
        Object.assign(find(resources, 'AWS::Lambda::Function'), { VpcConfig: {}, SnapStart: {} });
        Object.assign(find(resources, 'AWS::Lambda::EventSourceMapping'), { ParallelizationFactor: 4 });
      }),
    ).toThrow(/VpcConfig[\s\S]*ParallelizationFactor/);
  });

  it('tolerates what changes nothing on one machine', () => {
    const model = change((resources) => {
      resources.Alarm = { Type: 'AWS::CloudWatch::Alarm', Properties: { Whatever: true } };
      Object.assign(find(resources, 'AWS::Lambda::Function'), { TracingConfig: { Mode: 'Active' }, Tags: [] });
    });
    expect(model.functions.length).toBeGreaterThan(0);
  });

  it('may link to the assets of another one', () => {
    const linked = mkdtempSync(join(tmpdir(), 'qmoi-assembly-'));
    try {
      for (const name of readdirSync(folder)) {
        if (name.startsWith('asset.')) symlinkSync(join(folder, name), join(linked, name));
        else cpSync(join(folder, name), join(linked, name));
      }
      const folders = readModel(readAssembly(linked), ORIGINS).functions.map((one) => one.folder);
      expect(folders).toEqual(folders.map((one) => realpathSync(one)));
      expect(folders.every((one) => one.startsWith(realpathSync(folder)))).toBe(true);
    } finally {
      rmSync(linked, { recursive: true });
    }
  });

  it('must be there, whole, and of one stack', () => {
    const empty = mkdtempSync(join(tmpdir(), 'qmoi-assembly-'));
    try {
      expect(() => readAssembly(empty)).toThrow(/no CDK cloud assembly in .*manifest\.json/);
      writeFileSync(join(empty, 'manifest.json'), JSON.stringify({ artifacts: {} }));
      expect(() => readAssembly(empty)).toThrow(/exactly one stack; .* has 0/);
      expect(() => assembly.assetFolder('gone.zip')).toThrow('lacks the asset gone.zip');
    } finally {
      rmSync(empty, { recursive: true });
    }
  });
});
