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
  /** Epoch seconds, as the protocol tells time. */
  readonly modifiedAt: number;
}

interface Input {
  readonly Name?: string;
  readonly Names?: readonly string[];
  readonly Path?: string;
  readonly Recursive?: boolean;
  readonly WithDecryption?: boolean;
  readonly MaxResults?: number;
  readonly NextToken?: string;
}

/** Limits of GetParameters and GetParametersByPath. */
const MAX_NAMES = 10;
const MAX_RESULTS = 10;

const arnOf = (name: string): string => `arn:aws:ssm:${REGION}:${ACCOUNT}:parameter/${name.replace(/^\//, '')}`;

/** The parameter store, read only: what it holds comes from the environment at each start, so nothing is kept. */
export function createSsm(options: { readonly clock: Clock; readonly authorize: Authorize }): Ssm {
  const { clock, authorize } = options;
  let parameters = new Map<string, Parameter>();

  const view = ({ name, type, value, version, modifiedAt }: Parameter, decrypt: boolean) => ({
    ...{ Name: name, Type: type, Version: version, LastModifiedDate: modifiedAt, ARN: arnOf(name), DataType: 'text' },
    // Without decryption AWS hands out a ciphertext, of which nothing can be made.
    Value: type === 'SecureString' && !decrypt ? `AQICAH${Buffer.from(`encrypted:${name}`).toString('base64')}` : value,
  });

  const operations: Record<string, (input: Input, caller: Caller) => unknown> = {
    GetParameter({ Name, WithDecryption }, caller) {
      if (Name === undefined) throw new AwsFault('ValidationException', 'Name is required');
      authorize(caller, 'ssm:GetParameter', arnOf(Name));
      const parameter = parameters.get(Name);
      if (parameter === undefined) throw new AwsFault('ParameterNotFound', '');
      return { Parameter: view(parameter, WithDecryption === true) };
    },
    GetParameters({ Names = [], WithDecryption }, caller) {
      if (Names.length === 0 || Names.length > MAX_NAMES) {
        throw new AwsFault('ValidationException', `Names takes 1 to ${MAX_NAMES} members`);
      }
      // One forbidden name fails the whole call, as it does on AWS.
      for (const name of Names) authorize(caller, 'ssm:GetParameters', arnOf(name));
      const found = Names.flatMap((name) => parameters.get(name) ?? []);
      return {
        Parameters: found.map((parameter) => view(parameter, WithDecryption === true)),
        InvalidParameters: Names.filter((name) => !parameters.has(name)),
      };
    },
    GetParametersByPath({ Path, Recursive, WithDecryption, MaxResults = MAX_RESULTS, NextToken }, caller) {
      if (Path === undefined) throw new AwsFault('ValidationException', 'Path is required');
      if (MaxResults < 1 || MaxResults > MAX_RESULTS) {
        throw new AwsFault('ValidationException', `MaxResults takes 1 to ${MAX_RESULTS}`);
      }
      authorize(caller, 'ssm:GetParametersByPath', arnOf(Path));
      const prefix = Path.endsWith('/') ? Path : `${Path}/`;
      const below = [...parameters.values()]
        .filter(({ name }) => name.startsWith(prefix) && (Recursive || !name.slice(prefix.length).includes('/')))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .filter(({ name }) => NextToken === undefined || name > NextToken);
      const page = below.slice(0, MaxResults);
      return {
        Parameters: page.map((parameter) => view(parameter, WithDecryption === true)),
        ...(below.length > page.length && { NextToken: page.at(-1)?.name }),
      };
    },
  };

  return {
    seed(seeded) {
      const next = new Map<string, Parameter>();
      for (const parameter of seeded) {
        const before = parameters.get(parameter.name);
        const same = before !== undefined && before.value === parameter.value && before.type === parameter.type;
        const version = (before?.version ?? 0) + 1;
        next.set(parameter.name, same ? before : { ...parameter, version, modifiedAt: clock.now() / 1000 });
      }
      parameters = next;
    },
    async handle(operation, input, caller) {
      const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
      if (run === undefined) throw new AwsFault('UnknownOperationException', `ssm:${operation} is not emulated`);
      return run((input ?? {}) as Input, caller);
    },
  };
}
