import { describe, expect, it } from 'vitest';
import { createChaos } from '../../../../infra/local/chaos.ts';
import { createDynamoDbChaos } from '../../../../infra/local/dynamodb-chaos.ts';
import type { Caller } from '../../../../infra/local/kernel.ts';

const CALLER: Caller = { type: 'role', arn: 'arn', functionName: 'record' };
const strikesOf = (seed: string, calls = 2_000) => {
  const chaos = createChaos(seed);
  return Array.from({ length: calls }, () => chaos.strikes('throttle record', 0.05));
};

describe('chaos', () => {
  it('does the same for the same seed and something else for another', () => {
    expect(strikesOf('a')).toEqual(strikesOf('a'));
    expect(strikesOf('a')).not.toEqual(strikesOf('b'));
  });

  it.each(['1', '2', '3', '4'])('is bounded, whatever the probability: seed %s', (seed) => {
    const chaos = createChaos(seed);
    let row = 0;
    let calm = 100;
    for (let i = 0; i < 5_000; i += 1) {
      if (chaos.strikes('throttle x', 1, 12)) {
        if (row === 0) expect(calm).toBeGreaterThanOrEqual(12);
        row += 1;
        calm = 0;
        expect(row).toBeLessThanOrEqual(4);
      } else {
        row = 0;
        calm += 1;
      }
    }
    expect(chaos.counts().throttle).toBeGreaterThan(300);
  });

  it('shuffles without losing anything', () => {
    const items = Array.from({ length: 50 }, (_, index) => index);
    const shuffled = createChaos('s').shuffle([...items]);
    expect(shuffled).not.toEqual(items);
    expect([...shuffled].sort((a, b) => a - b)).toEqual(items);
  });

  it('throttles DynamoDB in its own words and leaves a part of a batch undone, never all', () => {
    const dynamodb = createDynamoDbChaos(createChaos('d'));
    const codes = new Set<string>();
    for (let i = 0; i < 3_000; i += 1) {
      try {
        dynamodb.beforeCall?.('dynamodb', 'PutItem', CALLER);
      } catch (error) {
        codes.add((error as { code: string }).code);
      }
    }
    expect([...codes].sort()).toEqual(['ProvisionedThroughputExceededException', 'ThrottlingException']);
    const left = Array.from({ length: 500 }, () => dynamodb.leaveUnprocessed?.('BatchWriteItem', 5, CALLER) ?? 0);
    expect(Math.max(...left)).toBeLessThan(5);
    expect(left.filter((count) => count > 0).length).toBeGreaterThan(5);
    expect(dynamodb.leaveUnprocessed?.('BatchGetItem', 1, CALLER)).toBe(0);
  });
});
