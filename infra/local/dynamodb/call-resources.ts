/** What one call names: the tables and indexes to authorise, with IAM's action for each. */
import { ACCOUNT, REGION } from '../kernel.ts';

export interface Need {
  readonly action: string;
  readonly resource: string;
}

export interface CallNeeds {
  readonly needs: readonly Need[];
  /** Names of the tables written to. */
  readonly written: readonly string[];
}

/** Item operations answer with capacity figures when asked; the others know no such parameter. */
const ITEM_OPERATIONS: ReadonlySet<string> = new Set([
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'GetItem',
  'Query',
  'Scan',
  'BatchWriteItem',
  'BatchGetItem',
  'TransactWriteItems',
  'TransactGetItems',
]);
const WRITES: ReadonlySet<string> = new Set([
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
  'TransactWriteItems',
]);
const TABLE_OPERATIONS: ReadonlySet<string> = new Set([
  'DescribeTable',
  'DescribeTimeToLive',
  'DescribeContinuousBackups',
  'ListTagsOfResource',
]);

export const isItemOperation = (operation: string): boolean => ITEM_OPERATIONS.has(operation);
export const isWrite = (operation: string): boolean => WRITES.has(operation);
export const isKnownOperation = (operation: string): boolean =>
  ITEM_OPERATIONS.has(operation) || TABLE_OPERATIONS.has(operation) || operation === 'ListTables';

/** AWS takes a table's ARN wherever it takes its name. */
export function tableName(nameOrArn: unknown): string {
  if (typeof nameOrArn !== 'string') return '';
  return nameOrArn.startsWith('arn:') ? (nameOrArn.split(':table/')[1]?.split('/')[0] ?? '') : nameOrArn;
}

export function tableArn(name: string): string {
  return `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${name}`;
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** IAM knows no TransactWriteItems: each member needs the permission of what it does. */
const MEMBER_ACTIONS: Readonly<Record<string, string>> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
  Get: 'GetItem',
};

export function needsOf(operation: string, input: Fields): CallNeeds {
  const needs = new Map<string, Need>();
  const tables = new Set<string>();
  const need = (action: string, nameOrArn: unknown, indexName?: unknown): void => {
    const name = tableName(nameOrArn);
    const resource = tableArn(name) + (typeof indexName === 'string' ? `/index/${indexName}` : '');
    needs.set(`${action} ${resource}`, { action: `dynamodb:${action}`, resource });
    tables.add(name);
  };
  if (operation.startsWith('Batch')) {
    for (const name of Object.keys(isFields(input.RequestItems) ? input.RequestItems : {})) need(operation, name);
  } else if (operation.startsWith('Transact')) {
    for (const member of Array.isArray(input.TransactItems) ? input.TransactItems : []) {
      for (const [kind, details] of Object.entries(isFields(member) ? member : {})) {
        const action = MEMBER_ACTIONS[kind];
        if (action && isFields(details)) need(action, details.TableName);
      }
    }
  } else if (operation === 'ListTables') {
    needs.set('list', { action: 'dynamodb:ListTables', resource: '*' });
  } else if (operation === 'ListTagsOfResource') {
    need(operation, input.ResourceArn);
  } else {
    need(operation, input.TableName, input.IndexName);
  }
  return { needs: [...needs.values()], written: isWrite(operation) ? [...tables] : [] };
}
