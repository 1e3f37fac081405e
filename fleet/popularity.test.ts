import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectedShares, type Popularity, StreamChoice } from './popularity.ts';

const zipf = (exponent: number): Popularity => ({ kind: 'zipf', exponent });
const indices = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Pearson's statistic: of n kinds that follow the expected shares it is n − 1 on average, with a deviation of √(2(n − 1)). */
function chiSquare(choices: readonly number[], shares: readonly number[]): number {
  const counts = Array<number>(shares.length).fill(0);
  for (const choice of choices) counts[choice]!++;
  return shares.reduce(
    (sum, share, kind) => sum + (counts[kind]! - share * choices.length) ** 2 / (share * choices.length),
    0,
  );
}
/** Exceeded by chance about once in a million. */
const bound = (kinds: number) => kinds - 1 + 7 * Math.sqrt(2 * (kinds - 1));

describe('what a session begins with', () => {
  test('uniform: dealt out evenly, in order', () => {
    const choice = new StreamChoice(3, { kind: 'uniform' }, 1, 0);
    expect(indices(7).map((index) => choice.first(index, 0))).toEqual([0, 1, 2, 0, 1, 2, 0]);
    expect(choice.first(4, 9)).toBe(1);
  });

  test.each([0.5, 1, 1.2, 2])('zipf %d: the shares are 1/k^s', (exponent) => {
    const shares = expectedShares(20, zipf(exponent));
    expect(shares[4]! / shares[0]!).toBeCloseTo(5 ** -exponent, 12);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    for (const seed of [1, 2, 3]) {
      const choice = new StreamChoice(20, zipf(exponent), seed, 0);
      const choices = indices(20_000).map((index) => choice.first(index, 0));
      expect(chiSquare(choices, shares)).toBeLessThan(bound(20));
    }
  });

  test('another law would be told: the bound is not so wide that everything passes', () => {
    const choice = new StreamChoice(20, zipf(1), 1, 0);
    const choices = indices(20_000).map((index) => choice.first(index, 0));
    expect(chiSquare(choices, expectedShares(20, zipf(1.1)))).toBeGreaterThan(bound(20));
  });

  test('the later sessions of a slot are drawn anew, and follow the same law', () => {
    const choice = new StreamChoice(10, zipf(1), 1, 0);
    const choices = indices(10_000).map((generation) => choice.first(3, generation));
    expect(chiSquare(choices, expectedShares(10, zipf(1)))).toBeLessThan(bound(10));
  });

  test('depends on seed and cohort', () => {
    const first = (seed: number, cohort: number) => {
      const choice = new StreamChoice(10, zipf(1), seed, cohort);
      return indices(50).map((index) => choice.first(index, 0));
    };
    expect(first(1, 0)).toEqual(first(1, 0));
    expect(first(2, 0)).not.toEqual(first(1, 0));
    expect(first(1, 1)).not.toEqual(first(1, 0));
  });
});

describe('where a zapper goes', () => {
  test('never to where it is', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 50 }),
        fc.nat(1_000_000),
        fc.nat(1000),
        fc.double({ min: 0, max: 3, noNaN: true }),
        fc.nat(49),
        (streams, index, zap, exponent, at) => {
          const present = at % streams;
          const next = new StreamChoice(streams, zipf(exponent), 1, 0).next(present, index, 0, zap);
          expect(next).not.toBe(present);
          expect(next).toBeGreaterThanOrEqual(0);
          expect(next).toBeLessThan(streams);
        },
      ),
    );
  });

  test.each([
    ['uniform', { kind: 'uniform' }],
    ['zipf', zipf(1.2)],
  ] as const)('%s: among all others by the same law', (_name, popularity) => {
    const choice = new StreamChoice(12, popularity, 7, 0);
    const shares = expectedShares(12, popularity);
    for (const present of [0, 5, 11]) {
      const choices = indices(20_000).map((zap) => choice.next(present, 0, 0, zap + 1));
      const others = shares.map((share, kind) => (kind === present ? 0 : share / (1 - shares[present]!)));
      const kinds = indices(12).filter((kind) => kind !== present);
      const renamed = choices.map((kind) => kinds.indexOf(kind));
      expect(
        chiSquare(
          renamed,
          kinds.map((kind) => others[kind]!),
        ),
      ).toBeLessThan(bound(11));
    }
  });
});
