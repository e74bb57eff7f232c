import * as z from 'zod/mini';
import { canonical, type Join, type Timestamp } from './join.ts';

/** How QMOI came to know a fact. Only `live` and `recovered` facts may lead to actions and messages (DESIGN.md, rule 6). */
export const ORIGINS = ['replayed', 'backfilled', 'recovered', 'live'] as const;
export type Origin = (typeof ORIGINS)[number];
export const isLive = (origin: Origin): boolean => origin === 'live' || origin === 'recovered';

/** What every item carries besides its own fields. The store alone writes `version`, `createdAt` and `updatedAt`. */
export const common = {
  id: z.string(),
  entity: z.string(),
  /** The schema version the item was written with; `upcast` brings older ones up. */
  schema: z.number(),
  version: z.number(),
  createdAt: z.string(),
  updatedAt: z.string(),
  status: z.string(),
  /** The platform's own time of the status; for QMOI's own entities, QMOI's. */
  statusAt: z.string(),
  /**
   * How much was known when the status was derived. A status derived from more knowledge replaces one derived from less,
   * whatever their ranks: only platforms whose attempts are inferred (GitLab) use it.
   */
  basis: z.optional(z.number()),
  origin: z.enum(ORIGINS),
  /** When `wake` has to look at the item again; belongs to the status. */
  wakeAt: z.optional(z.string()),
  /** When `wake` last did. */
  wokenAt: z.optional(z.string()),
};

interface Stored {
  id: string;
  entity: string;
  schema: number;
  version: number;
  createdAt: string;
  updatedAt: string;
  status: string;
  statusAt: string;
  basis?: number | undefined;
  origin: Origin;
  wakeAt?: string | undefined;
  wokenAt?: string | undefined;
}

/** Fields whose value belongs to the status: the side whose status wins brings its value along, or its absence. */
export const withStatus = 'with-status' as const;
type FieldJoin = Join | typeof withStatus;

type Fields = Record<string, z.core.$ZodType>;
type OwnState<F extends Fields> = z.infer<z.ZodMiniObject<F>>;
export type StateOf<S extends string, F extends Fields> = Omit<Stored, 'status'> & { status: S } & OwnState<F>;

/**
 * What someone has learnt of an entity: its identity, optionally its status (with the time it holds from), and any fields.
 * A fact without a status only adds fields; `statusAt` then says when it was true.
 */
export type FactOf<S extends string, F extends Fields> = {
  id: string;
  status?: S;
  statusAt: Timestamp;
  basis?: number;
  origin: Origin;
  wakeAt?: string | undefined;
} & Partial<OwnState<F>>;

export interface StatusRule<S extends string> {
  /** Position in the life of the entity. Equal ranks are ordered by platform time. */
  readonly rank: number;
  readonly terminal?: boolean;
  /** The statuses that may follow. */
  readonly next: readonly S[];
  /** What the status means, for the rendered documentation. */
  readonly means: string;
}

interface Definition<S extends string, F extends Fields> {
  entity: string;
  schema: number;
  /** `ranked`: (rank, platform time) decide. `latest`: platform time alone decides, as the entity can go back and forth. */
  order: 'ranked' | 'latest';
  statuses: Record<S, StatusRule<S>>;
  /** The status of an entity that is only known by fields so far. */
  initial: S;
  fields: F;
  joins: { readonly [K in keyof F]: FieldJoin };
  /** Fields whose change, at an unchanged status, is an `<entity>.updated` event. */
  watched?: readonly (keyof F & string)[];
  /** Only in these statuses; absent: in all. */
  watchedWhile?: readonly S[];
  /** Statuses that only keep the books: their changes are not published (docs/adr/0005). */
  unpublished?: readonly S[];
  /** Statuses that are no news of an item that is new. */
  quietAtFirst?: readonly S[];
  /** Brings an item of an older schema to the next one; index 0 takes schema 1 to 2. */
  upcasters?: readonly ((item: Record<string, unknown>) => Record<string, unknown>)[];
}

export interface Machine<S extends string = string, F extends Fields = Fields> extends Definition<S, F> {
  readonly shape: z.ZodMiniType;
  /** Joins a fact into what is known. Pure, commutative, associative, idempotent. */
  merge(state: StateOf<S, F> | undefined, fact: FactOf<S, F>): StateOf<S, F>;
  /** Whether `to` may follow `from`. */
  allows(from: S, to: S): boolean;
  isTerminal(status: S): boolean;
  /** Validates a stored item, after bringing it up to the present schema. Throws a ZodError. */
  parse(item: unknown): StateOf<S, F>;
}

/** Version 0 marks a state that no store has written yet. */
const unwritten = { version: 0, createdAt: '', updatedAt: '' };

export function machine<const S extends string, const F extends Fields>(definition: Definition<S, F>): Machine<S, F> {
  type State = StateOf<S, F>;
  type Fact = FactOf<S, F>;
  const { statuses, joins, order } = definition;
  const names = Object.keys(statuses) as S[];
  const shape = z.object({ ...common, ...definition.fields, status: z.enum(names as [S, ...S[]]) });
  const fieldNames = Object.keys(definition.fields) as (keyof F & string)[];

  /** The text that orders two statuses: whoever has the greater one wins. */
  const stamp = (side: State | Fact): string => {
    const status = (side.status ?? definition.initial) as S;
    const rank = order === 'ranked' ? statuses[status].rank : 0;
    // A fact without a status must lose against any status, even an initial one of the same time.
    const known = side.status === undefined ? '0' : '1';
    return [known, String(side.basis ?? 0).padStart(6, '0'), String(rank).padStart(2, '0'), side.statusAt, status].join(
      '|',
    );
  };

  const merge = (state: State | undefined, fact: Fact): State => {
    if (state === undefined) {
      const known: Record<string, unknown> = { ...unwritten, entity: definition.entity, schema: definition.schema };
      for (const [name, value] of Object.entries(fact)) put(known, name, canonicalOf(name, value));
      if (fact.status === undefined) {
        Object.assign(known, { status: definition.initial, statusAt: '' });
        for (const name of ['basis', 'wakeAt', ...fieldNames.filter((name) => joins[name] === withStatus)])
          delete known[name];
      }
      return known as unknown as State;
    }
    const stateIsBare = state.statusAt === '';
    const [a, b] = [stateIsBare ? stamp({ ...state, status: undefined } as Fact) : stamp(state), stamp(fact)];
    const stateWins = a > b || (a === b && canonicalRegister(state) >= canonicalRegister(fact));
    const winner: State | Fact = fact.status === undefined ? state : stateWins ? state : fact;
    const merged: Record<string, unknown> = { ...state };
    for (const name of ['status', 'statusAt', 'basis', 'wakeAt'] as const) put(merged, name, winner[name]);
    put(merged, 'origin', ORIGINS[Math.max(ORIGINS.indexOf(state.origin), ORIGINS.indexOf(fact.origin))]);
    for (const name of fieldNames) {
      const join = joins[name];
      if (join === withStatus) {
        put(merged, name, (winner as Record<string, unknown>)[name]);
        continue;
      }
      const [x, y] = [(state as Record<string, unknown>)[name], (fact as Record<string, unknown>)[name]];
      if (y === undefined) continue;
      put(merged, name, x === undefined ? canonicalOf(name, y) : (join as (a: unknown, b: unknown) => unknown)(x, y));
    }
    return merged as unknown as State;
  };

  /** A value joined with itself: lists come sorted and cut, as they would after any later merge. */
  const canonicalOf = (name: string, value: unknown): unknown => {
    const join = joins[name];
    return join === undefined || join === withStatus || value === undefined
      ? value
      : (join as (a: unknown, b: unknown) => unknown)(value, value);
  };

  const canonicalRegister = (side: State | Fact): string =>
    canonical(
      fieldNames
        .filter((name) => joins[name] === withStatus)
        .map((name) => (side as Record<string, unknown>)[name] ?? null),
    );

  return {
    ...definition,
    shape,
    merge,
    allows: (from, to) => statuses[from].next.includes(to),
    isTerminal: (status) => statuses[status].terminal === true,
    parse: (item) => {
      let candidate = item as Record<string, unknown>;
      for (let schema = Number(candidate.schema); schema < definition.schema; schema++) {
        const upcast = definition.upcasters?.[schema - 1];
        if (upcast === undefined) throw new Error(`no upcaster takes ${definition.entity} from schema ${schema} on`);
        candidate = { ...upcast(candidate), schema: schema + 1 };
      }
      return shape.parse(candidate) as unknown as State;
    },
  };
}

function put(target: Record<string, unknown>, name: string, value: unknown): void {
  if (value === undefined || (name === 'basis' && value === 0)) delete target[name];
  else target[name] = value;
}
