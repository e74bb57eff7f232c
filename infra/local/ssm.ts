import { ACCOUNT, type Authorize, AwsFault, type Caller, type Clock, REGION } from './kernel.ts';

export interface SeededParameter {
  /** With its leading slash: `/qmoi/master-token`. */
  readonly name: string;
  readonly type: 'String' | 'StringList' | 'SecureString';
  readonly value: string;
}

export interface Ssm {
  /** Replaces every parameter; an unchanged value keeps its version. */
  seed(parameters: Iterable<SeededParameter>): void;
  /** The JSON protocol: `operation` without the `AmazonSSM.` prefix. */
  handle(operation: string, input: unknown, caller: Caller): Promise<unknown>;
}

interface Parameter extends SeededParameter {
  readonly version: number;
  readonly modifiedAt: number;
}

type Fields = Readonly<Record<string, unknown>>;

const MAX_NAMES = 10;
const MAX_PAGE = 10;

/** Parameter Store, for reading. Nothing is persisted: the host seeds it from its environment at each start. */
export function createSsm({ clock, authorize }: { readonly clock: Clock; readonly authorize: Authorize }): Ssm {
  let parameters = new Map<string, Parameter>();

  function arnOf(name: string): string {
    return `arn:aws:ssm:${REGION}:${ACCOUNT}:parameter/${name.replace(/^\//, '')}`;
  }

  function shaped(parameter: Parameter, decrypt: boolean): Fields {
    const { name, type, value, version, modifiedAt } = parameter;
    return {
      Name: name,
      Type: type,
      Value: type === 'SecureString' && !decrypt ? ciphertext(parameter) : value,
      Version: version,
      // The JSON protocol carries times as seconds.
      LastModifiedDate: modifiedAt / 1000,
      ARN: arnOf(name),
      DataType: 'text',
    };
  }

  const operations: Readonly<Record<string, (fields: Fields, caller: Caller) => unknown>> = {
    GetParameter(fields, caller) {
      const name = nameOf(fields.Name);
      authorize(caller, 'ssm:GetParameter', arnOf(name));
      const parameter = parameters.get(name);
      if (parameter === undefined) throw new AwsFault('ParameterNotFound', `Parameter ${name} not found.`);
      return { Parameter: shaped(parameter, fields.WithDecryption === true) };
    },
    GetParameters(fields, caller) {
      const names = Array.isArray(fields.Names) ? fields.Names.map(nameOf) : [];
      if (names.length === 0 || names.length > MAX_NAMES) {
        throw invalid(
          `1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and ${MAX_NAMES}.`,
        );
      }
      if (new Set(names).size < names.length)
        throw invalid('Duplicate parameter names are not allowed in one request.');
      for (const name of names) authorize(caller, 'ssm:GetParameters', arnOf(name));
      const found = names.map((name) => parameters.get(name)).filter((parameter) => parameter !== undefined);
      return {
        Parameters: found.map((parameter) => shaped(parameter, fields.WithDecryption === true)),
        InvalidParameters: names.filter((name) => !parameters.has(name)),
      };
    },
    GetParametersByPath(fields, caller) {
      const path = nameOf(fields.Path);
      if (!path.startsWith('/')) throw invalid("The parameter path must begin with a slash: '/'.");
      authorize(caller, 'ssm:GetParametersByPath', arnOf(path));
      const prefix = path.endsWith('/') ? path : `${path}/`;
      const size = pageSize(fields.MaxResults);
      const after = fields.NextToken === undefined ? '' : cursor(fields.NextToken);
      const names = [...parameters.keys()]
        .filter((name) => name.startsWith(prefix) && name > after)
        .filter((name) => fields.Recursive === true || !name.slice(prefix.length).includes('/'))
        .sort();
      const page = names.slice(0, size);
      return {
        Parameters: page.map((name) => shaped(parameters.get(name) as Parameter, fields.WithDecryption === true)),
        ...(names.length > size && { NextToken: Buffer.from(page.at(-1) ?? '').toString('base64url') }),
      };
    },
  };

  return {
    seed(seeded) {
      const next = new Map<string, Parameter>();
      for (const parameter of seeded) {
        const old = parameters.get(parameter.name);
        const same = old?.value === parameter.value && old.type === parameter.type;
        next.set(
          parameter.name,
          same ? old : { ...parameter, version: (old?.version ?? 0) + 1, modifiedAt: clock.now() },
        );
      }
      parameters = next;
    },
    async handle(operation, input, caller) {
      const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
      if (run === undefined)
        throw new AwsFault('UnknownOperationException', `${operation} is not offered by the embedded host.`);
      return run(typeof input === 'object' && input !== null ? (input as Fields) : {}, caller);
    },
  };
}

/** What an undecrypted SecureString reads like: base64, of no use, and never the value. */
function ciphertext({ name, version }: Parameter): string {
  return Buffer.from(`encrypted:${name}:${version}`).toString('base64');
}

function nameOf(value: unknown): string {
  if (typeof value === 'string' && /^[\w./-]{1,2048}$/.test(value)) return value;
  throw invalid(
    'Parameter name: can\'t be prefixed with "ssm" and may only consist of letters, numbers and the symbols .-_/',
  );
}

function pageSize(value: unknown): number {
  if (value === undefined) return MAX_PAGE;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MAX_PAGE) return value;
  throw invalid(`Value at 'maxResults' must be between 1 and ${MAX_PAGE}.`);
}

function cursor(token: unknown): string {
  if (typeof token === 'string' && token !== '') return Buffer.from(token, 'base64url').toString();
  throw new AwsFault('InvalidNextToken', 'The specified token is not valid.');
}

const invalid = (message: string): AwsFault => new AwsFault('ValidationException', message);
