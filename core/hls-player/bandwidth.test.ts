import { describe, expect, it } from 'vitest';
import { BandwidthEstimate } from './bandwidth.ts';
import { abandonFor, hidesTheFall, nextLevel, startEstimateBps, startLevel } from './choose-level.ts';
import type { Level } from './renditions.ts';

function levels(...bps: number[]): Level[] {
  return bps.map((rate) => ({
    name: `${rate}`,
    bps: rate,
    variant: { bandwidth: rate } as Level['variant'],
  }));
}
const ladder = levels(400_000, 1_000_000, 2_500_000);

describe('BandwidthEstimate', () => {
  it('is the default until something was loaded, and the rate itself after one download', () => {
    const estimate = new BandwidthEstimate(500_000);
    expect(estimate.bps).toBe(500_000);
    estimate.add(1_000, 250_000);
    expect(estimate.bps).toBeCloseTo(2_000_000, 0);
  });

  it('falls by the fast mean and rises by the slow one', () => {
    const estimate = new BandwidthEstimate(0);
    estimate.add(9_000, 9 * 125_000);
    // Three seconds: half of what was known before is forgotten by the fast mean.
    estimate.add(3_000, 3 * 12_500);
    const fast = (1_000_000 * (1 - 0.5 ** 3) * 0.5 + 100_000 * 0.5) / (1 - 0.5 ** 4);
    expect(estimate.bps).toBeCloseTo(fast, 0);
    const before = estimate.bps;
    estimate.add(3_000, 3 * 250_000);
    expect(estimate.bps).toBeGreaterThan(before);
    expect(estimate.bps).toBeLessThan(1_500_000);
  });

  it('does not take an answer from a cache for throughput', () => {
    const estimate = new BandwidthEstimate(0);
    estimate.add(1, 125_000);
    expect(estimate.bps).toBeCloseTo(20_000_000, 0);
  });
});

describe('the choice of a level', () => {
  it('begins with what the first one listed needs, within reason', () => {
    expect(startEstimateBps(0)).toBe(500_000);
    expect(startEstimateBps(1_200_000)).toBe(1_200_000);
    expect(startEstimateBps(50_000_000)).toBe(5_000_000);
    expect(startLevel(ladder, 500_000)).toBe(0);
    expect(startLevel(ladder, 1_000_000)).toBe(1);
    expect(startLevel(ladder, 100_000)).toBe(0);
  });

  it.each([
    ['stays at 0.95 of the estimate', 1, 1_060_000, 1],
    ['does not stay below that', 1, 1_040_000, 0],
    ['rises at 0.7 of it', 0, 1_430_000, 1],
    ['does not rise below that', 0, 1_420_000, 0],
    ['goes up two at once', 0, 4_000_000, 2],
    ['takes the lowest where none is carried', 2, 100_000, 0],
  ])('%s', (_name, current, estimate, level) => {
    expect(nextLevel(ladder, current, estimate)).toBe(level);
  });

  it('falls when throughput does and comes back when it has, in simulated time', () => {
    const estimate = new BandwidthEstimate(startEstimateBps(400_000));
    let level = startLevel(ladder, estimate.bps);
    const chosen: number[] = [];
    const play = (segments: number, lineBps: number): void => {
      for (let i = 0; i < segments; i++) {
        const bits = 4 * ladder[level]!.bps;
        estimate.add((1_000 * bits) / lineBps, bits / 8);
        level = nextLevel(ladder, level, estimate.bps);
        chosen.push(level);
      }
    };
    play(5, 6_000_000);
    expect(chosen.at(-1)).toBe(2);
    play(5, 700_000);
    expect(chosen.at(-1)).toBe(0);
    expect(chosen.indexOf(0, 5) - 5).toBeLessThan(3);
    play(60, 6_000_000);
    expect(chosen.at(-1)).toBe(2);
    // Up again step by step, never down in between.
    const way = chosen.slice(10);
    expect(way).toEqual(way.toSorted());
  });
});

describe('giving a download up', () => {
  const download = {
    elapsedMs: 2_000,
    bytes: 100_000,
    totalBytes: 1_000_000,
    segmentMs: 3_000,
    bufferMs: 2_500,
  };

  it('goes for the largest that comes before the buffer is empty, or the lowest', () => {
    // 50 bytes a ms: 18 s to go; 400k takes 3.75 s, less than going on with this one.
    expect(abandonFor(ladder, 2, download)).toBe(0);
    expect(abandonFor(levels(100_000, 200_000, 2_500_000), 2, download)).toBe(1);
  });

  it.each([
    ['in the first half of the time', { elapsedMs: 1_500 }],
    ['with two segments in the buffer', { bufferMs: 6_000 }],
    ['that comes in time', { bytes: 900_000 }],
  ])('not %s', (_name, change) => {
    expect(abandonFor(ladder, 2, { ...download, ...change })).toBeNull();
  });

  it('not for something that would take longer, nor from the lowest', () => {
    expect(abandonFor(ladder, 0, download)).toBeNull();
    expect(abandonFor(levels(2_400_000, 2_500_000), 1, { ...download, bytes: 500_000 })).toBeNull();
  });
});

it.each([
  [3_000_000, 440_000, true],
  [629_000, 440_000, true],
  [628_000, 440_000, false],
  [150_000, 440_000, false],
])(
  'after going down a mean of %i bit/s hides that from a level of %i: %s',
  (estimateBps, levelBps, hidden) => {
    expect(hidesTheFall(estimateBps, levelBps)).toBe(hidden);
  },
);
