import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, type Code, Function as LambdaFunction, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { METRICS_NAMESPACE } from '../../shared/runtime/observability.ts';
import type { Settings } from '../../shared/runtime/settings.ts';
import { acknowledge } from './acknowledge.ts';
import { type Alarms, PERIOD } from './alarms.ts';
import { type Environment, environments, type FunctionName, pascal } from './functions.ts';

/** What every function of the stack shares. */
export interface ServiceContext {
  code: (name: FunctionName) => Code;
  alarms: Alarms;
  settings: Settings;
}

export interface ServiceFunctionProps<N extends FunctionName> {
  service: ServiceContext;
  name: N;
  environment: Environment<N>;
  /** Seconds; 30 unless told. */
  timeout?: number;
  /** MB; 512 unless told. The processor's share grows with it, 1769 MB being one whole. */
  memory?: number;
}

/** A function of QMOI: its bundle, its own role and log group, tracing, and an alarm for when it fails. */
export class ServiceFunction<N extends FunctionName = FunctionName> extends Construct {
  readonly lambda: LambdaFunction;
  private readonly role: Role;

  constructor(scope: Construct, props: ServiceFunctionProps<N>) {
    super(scope, pascal(props.name));
    const { name, service } = props;
    const functionName = `${Stack.of(this).stackName}-${name}`;
    const logGroup = new LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: service.settings.logs.retentionDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.lambda = new LambdaFunction(this, 'Function', {
      functionName,
      code: service.code(name),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_LATEST,
      architecture: Architecture.ARM_64,
      memorySize: props.memory ?? 512,
      timeout: Duration.seconds(props.timeout ?? 30),
      tracing: Tracing.ACTIVE,
      role: this.role,
      logGroup,
      environment: {
        ...checked(name, props.environment),
        NODE_OPTIONS: '--enable-source-maps',
        POWERTOOLS_SERVICE_NAME: name,
        POWERTOOLS_METRICS_NAMESPACE: METRICS_NAMESPACE,
        POWERTOOLS_LOG_LEVEL: service.settings.logs.level,
      },
    });
    this.allow(['logs:CreateLogStream', 'logs:PutLogEvents'], logGroup.logGroupArn);
    acknowledge(
      this.role,
      'AwsSolutions-IAM5[Resource::*]',
      'The only statement on * is tracing: X-Ray has no resources that a policy could name.',
    );
    service.alarms.watch(this, 'Failing', {
      says: `The function ${name} crashes, times out or is throttled.`,
      runbook: 'Function failing',
      rings: 'error',
      metric: new MathExpression({
        label: `${name} errors and throttles`,
        expression: 'errors + throttles',
        usingMetrics: { errors: this.lambda.metricErrors(), throttles: this.lambda.metricThrottles() },
        period: PERIOD,
      }),
      threshold: 1,
    });
  }

  /** Grants actions, each named in full, on resources. */
  allow(actions: string[], ...resources: string[]): this {
    this.role.addToPolicy(new PolicyStatement({ actions, resources }));
    return this;
  }

  /** Grants actions on whatever a resource with a wildcard stands for; `why` it has to, and `condition` that narrows it. */
  allowWide(actions: string[], resource: string, why: string, condition?: Record<string, string>): this {
    const conditions = condition && { StringEquals: condition };
    this.role.addToPolicy(new PolicyStatement({ actions, resources: [resource], ...(conditions && { conditions }) }));
    const shown = resource.replace(/\$\{Token\[AWS\.(\w+)\.\d+\]\}/g, '<AWS::$1>');
    acknowledge(this.role, `AwsSolutions-IAM5[Resource::${shown}]`, why);
    return this;
  }

  /** Lets the function read parameters of QMOI; without names every one of them. */
  allowParameters(...names: string[]): this {
    const arn = (name: string) =>
      Stack.of(this).formatArn({
        service: 'ssm',
        resource: 'parameter',
        resourceName: `qmoi/${name}`,
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
      });
    // No grant on a key: a SecureString lies under the account's own key for SSM, whose policy admits whoever may read it.
    if (names.length > 0) return this.allow(['ssm:GetParameters'], ...names.map(arn));
    acknowledge(
      this.role,
      'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/qmoi/*]',
      'Which platforms are configured is known at run time only; the path holds nothing but what QMOI was given.',
    );
    return this.allow(['ssm:GetParameters'], arn('*'));
  }
}

/** A secret and the one before it, which counts during a rotation. */
export const withPrevious = (name: string): string[] => [name, `${name}-previous`];

/** Path of all parameters, as the functions' environment tells it. */
export const PARAMETER_PREFIX = '/qmoi/';

/** The type holds at compile time; this holds for what arrives untyped. */
function checked(name: FunctionName, environment: Record<string, string>): Record<string, string> {
  const wanted = Object.keys(environments[name].shape).sort();
  const given = Object.keys(environment).sort();
  if (wanted.join() !== given.join()) {
    throw new Error(`functions/${name}/env.ts wants ${wanted.join(', ')}, but is given ${given.join(', ')}`);
  }
  return environment;
}
