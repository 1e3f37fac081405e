import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram, rankOf } from './histogram.ts';

const MAX_RELATIVE_ERROR = 0.005;
const percentiles = [0, 0.1, 1, 25, 50, 75, 90, 95, 99, 99.9, 100];

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram;
}

/** The definition, word for word: sort everything and take the sample of that rank. */
function percentileOf(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[rankOf(p, sorted.length) - 1]!;
}

// Anything a measurement can be: normal latencies, clock skew below zero, zero itself, tiny and huge.
const sample = fc.oneof(
  fc.double({ min: 0, max: 60_000, noNaN: true }),
  fc.double({ min: -500, max: 500, noNaN: true }),
  fc.integer({ min: -3, max: 20 }),
  fc.double({ min: -1e300, max: 1e300, noNaN: true }),
);
const samples = fc.array(sample, { minLength: 1, maxLength: 400 });

describe('Histogram', () => {
  it('keeps count, sum, min and max exactly', () => {
    const histogram = histogramOf([3.25, -1.5, 0, 1000.125]);
    expect(histogram.count).toBe(4);
    expect(histogram.sum).toBe(1001.875);
    expect(histogram.min).toBe(-1.5);
    expect(histogram.max).toBe(1000.125);
    expect(histogram.mean).toBe(1001.875 / 4);
  });

  it('has no percentile when empty', () => {
    const histogram = new Histogram();
    expect(histogram.percentile(50)).toBeNaN();
    expect(histogram.count).toBe(0);
    expect(histogram.toJSON().buckets).toEqual([]);
  });

  it('leaves out what is no measurement', () => {
    const histogram = histogramOf([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5]);
    expect(histogram.count).toBe(1);
    expect(histogram.sum).toBe(5);
  });

  it('takes percentiles by nearest rank, the ends exactly', () => {
    const histogram = histogramOf(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(histogram.percentile(0)).toBe(1);
    expect(histogram.percentile(5)).toBe(1);
    expect(Math.abs(histogram.percentile(50) - 10)).toBeLessThanOrEqual(10 * MAX_RELATIVE_ERROR);
    // 95 % of 20 is rank 19 and not 20, whatever 0.95 · 20 is in floating point.
    expect(Math.abs(histogram.percentile(95) - 19)).toBeLessThanOrEqual(19 * MAX_RELATIVE_ERROR);
    expect(histogram.percentile(100)).toBe(20);
  });

  it('keeps negatives, zero and positives in order', () => {
    const histogram = histogramOf([-100, -10, 0, 10, 100]);
    expect(histogram.percentile(20)).toBe(-100);
    expect(histogram.percentile(40)).toBeCloseTo(-10, 1);
    expect(histogram.percentile(60)).toBe(0);
    expect(histogram.percentile(80)).toBeCloseTo(10, 1);
    expect(histogram.percentile(100)).toBe(100);
  });

  it('takes minus zero for zero', () => {
    expect(histogramOf([-0, 0, 1e-300]).toJSON().buckets.slice(0, 2)).toEqual([0, 2]);
  });

  it('reads every percentile within 0.5 % of the sorted samples', () => {
    fc.assert(
      fc.property(samples, (values) => {
        const histogram = histogramOf(values);
        for (const p of percentiles) {
          const truth = percentileOf(values, p);
          // Below 2^-1022 doubles lose their exponent: those are zero for every purpose here.
          expect(Math.abs(histogram.percentile(p) - truth)).toBeLessThanOrEqual(
            Math.abs(truth) * MAX_RELATIVE_ERROR + 1e-300,
          );
        }
      }),
    );
  });

  it('merges to exactly the histogram of all samples, in any split and order', () => {
    fc.assert(
      fc.property(fc.array(samples, { minLength: 1, maxLength: 6 }), (parts) => {
        const whole = histogramOf(parts.flat());
        const merged = new Histogram();
        for (const part of [...parts].reverse()) merged.merge(histogramOf(part));
        expect(merged.toJSON().buckets).toEqual(whole.toJSON().buckets);
        expect(merged.count).toBe(whole.count);
        expect(merged.min).toBe(whole.min);
        expect(merged.max).toBe(whole.max);
        for (const p of percentiles) expect(merged.percentile(p)).toBe(whole.percentile(p));
      }),
    );
  });

  it('survives encoding, JSON and structured clone', () => {
    fc.assert(
      fc.property(samples, (values) => {
        const histogram = histogramOf(values);
        const encoded = histogram.toJSON();
        expect(Histogram.fromJSON(structuredClone(encoded)).toJSON()).toEqual(encoded);
        expect(Histogram.fromJSON(JSON.parse(JSON.stringify(histogram))).percentile(90)).toBe(
          histogram.percentile(90),
        );
      }),
    );
  });

  it('is the same after reset as when it was new', () => {
    const used = histogramOf(Array.from({ length: 5000 }, (_, i) => i * 1.7 - 300));
    used.reset();
    expect(used.toJSON()).toEqual(new Histogram().toJSON());
    used.add(42);
    expect(used.toJSON()).toEqual(histogramOf([42]).toJSON());
  });

  it('is small: a bucket for each distinct magnitude, never for each sample', () => {
    expect(histogramOf([812, 815, 3200]).toJSON().buckets.length).toBeLessThanOrEqual(6);
    const million = new Histogram();
    for (let i = 0; i < 100_000; i++) million.add(1 + (i % 60_000));
    // Sixteen octaves of at most 128 buckets.
    expect(million.size).toBeLessThanOrEqual(16 * 128);
  });
});
