import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isMine, portionOf, type Share, shardPortion, shareOf } from './share.ts';

/** Shards with numbers of workers of their own. */
const sharings = fc
  .array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 8 })
  .map((workersOfShards) =>
    workersOfShards.flatMap((workers, index) =>
      Array.from({ length: workers }, (_, worker) =>
        shareOf({ index, count: workersOfShards.length }, worker, workers),
      ),
    ),
  );

test('every start has exactly one owner', () => {
  fc.assert(
    fc.property(sharings, fc.nat(1_000_000), (shares, index) => {
      expect(shares.filter((share) => isMine(index, share))).toHaveLength(1);
    }),
  );
});

test('the drawing: two shards, the first with two workers', () => {
  const owners = (share: Share) => [0, 1, 2, 3, 4, 5, 6, 7].filter((index) => isMine(index, share));
  expect(owners(shareOf({ index: 0, count: 2 }, 0, 2))).toEqual([0, 4]);
  expect(owners(shareOf({ index: 0, count: 2 }, 1, 2))).toEqual([2, 6]);
  expect(owners(shareOf({ index: 1, count: 2 }, 0, 1))).toEqual([1, 3, 5, 7]);
  expect(owners(shareOf(undefined, 1, 3))).toEqual([1, 4, 7]);
});

test('portions add up to the total, whatever the remainders', () => {
  fc.assert(
    fc.property(sharings, fc.nat(100_000), (shares, total) => {
      const portions = shares.map((share) => portionOf(total, share));
      expect(portions.reduce((sum, portion) => sum + portion, 0)).toBe(total);
    }),
  );
});

test('starts of a full level fall on each share as its portion says', () => {
  fc.assert(
    fc.property(sharings, fc.nat(500), (shares, total) => {
      for (const share of shares) {
        const mine = Array.from({ length: total }, (_, index) => index).filter((index) =>
          isMine(index, share),
        );
        expect(mine).toHaveLength(portionOf(total, share));
      }
    }),
    { numRuns: 30 },
  );
});

test('no bound stays none', () => {
  expect(portionOf(Number.POSITIVE_INFINITY, shareOf({ index: 1, count: 3 }, 0, 2))).toBe(
    Number.POSITIVE_INFINITY,
  );
  expect([0, 1, 2].map((index) => shardPortion(10, { index, count: 3 }))).toEqual([4, 3, 3]);
  expect(shardPortion(10, undefined)).toBe(10);
});
