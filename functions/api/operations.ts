import type * as z from 'zod/mini';
import type { OwnRules } from '../../shared/rulebook/index.ts';
import { parseJson } from '../../shared/runtime/json.ts';
import type { Store } from '../../shared/store/index.ts';
import { approvalOperations } from './approvals.ts';
import { automationOperations } from './automations.ts';
import { backtestOperations } from './backtests.ts';
import { byHandOperations } from './by-hand.ts';
import { controlOperations } from './controls.ts';
import { deliveryOperations } from './deliveries.ts';
import { effectivenessOperations } from './effectiveness.ts';
import { guardOperations } from './guards.ts';
import { Problem } from './http.ts';
import { incidentOperations } from './incidents.ts';
import { maintenanceOperations } from './maintenance.ts';
import { ruleOperations } from './rules.ts';
import { runnerOperations } from './runners.ts';
import { unknownOperations } from './unknowns.ts';
import type { JsonSchema } from './views.ts';

/**
 * What the API does beyond showing its resources: one row an operation, which the router and the description are both made of.
 * A capability brings its operations in a file of its own and is registered in `operations` below.
 */
export interface Operation {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** As OpenAPI writes it, with at most the parameter `{id}`, percent-encoded there: `/v1/incidents/{id}/merge`. */
  readonly path: `/v1/${string}`;
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /** Of the body; what it does not allow is answered 400. Absent: the body is not read. */
  readonly body?: z.ZodMiniType;
  /** Names the body's schema in the description. */
  readonly bodyName?: string;
  /** What the body is, for the one who got it wrong. */
  readonly bodyHelp?: string;
  /** How large the body may be; 16 KB unless told. */
  readonly maxBodyBytes?: number;
  /** Answers by status: what they mean, and the schema of their body, or the resource's item it is. */
  readonly answers: Readonly<
    Record<number, { readonly means: string; readonly schema: JsonSchema | { item: string } }>
  >;
  /** Problems it answers with, beside 401, 405, 500 and what reading the body may lead to. */
  readonly problems: readonly (400 | 404 | 409)[];
  run(input: OperationInput): Promise<{ readonly status: number; readonly body: unknown }>;
}

export interface OperationInput {
  readonly store: Store;
  /** The rules of diagnosis in the settings. */
  readonly declared: OwnRules;
  /** Empty where the path has none. */
  readonly id: string;
  readonly query: URLSearchParams;
  /** What `body` made of it. */
  readonly body: unknown;
}

export const operations: readonly Operation[] = [
  ...approvalOperations,
  ...automationOperations,
  ...backtestOperations,
  ...byHandOperations,
  ...controlOperations,
  ...deliveryOperations,
  ...effectivenessOperations,
  ...guardOperations,
  ...maintenanceOperations,
  ...incidentOperations,
  ...ruleOperations,
  ...runnerOperations,
  ...unknownOperations,
];

export const MAX_BODY_BYTES = 16 * 1024;

/** The body of a request as its operation wants it. Throws `Problem`. */
export async function readBody(
  request: Request,
  { body: schema, bodyHelp, maxBodyBytes = MAX_BODY_BYTES }: Operation,
): Promise<unknown> {
  if (schema === undefined) return undefined;
  const [type = ''] = (request.headers.get('content-type') ?? '').split(';');
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (type.trim().toLowerCase() !== 'application/json' || encoding.toLowerCase() !== 'identity') {
    throw new Problem(415, 'The body is application/json, not compressed.');
  }
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > maxBodyBytes) throw new Problem(413, `The body has at most ${maxBodyBytes} bytes.`);
  let value: unknown;
  try {
    value = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Problem(400, 'The body is not JSON.');
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const help = bodyHelp ?? 'The body is not what this takes; /v1/openapi.json describes it.';
  if (issue?.code === 'unrecognized_keys') {
    throw new Problem(400, `${help} There is nothing like ${JSON.stringify(issue.keys[0])?.slice(0, 100)} in it.`);
  }
  const where = issue?.path.length ? ` Wrong: ${issue.path.join('.').slice(0, 100)}.` : '';
  throw new Problem(400, `${help}${where}`);
}
