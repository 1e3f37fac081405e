import { describe, expect, it } from 'vitest';
import { StallCounter } from './stall-counter.ts';

describe('StallCounter', () => {
  it('counts what lasts 100 ms, and sums it', () => {
    const stalls = new StallCounter();
    for (const [from, to] of [
      [0, 99],
      [1_000, 1_100],
      [2_000, 2_500],
    ] as const) {
      stalls.waiting(from);
      stalls.playing(to);
    }
    expect(stalls.read(9_000)).toEqual({ count: 2, totalMs: 600 });
  });

  it('shows a stall that goes on, from its first beginning', () => {
    const stalls = new StallCounter();
    stalls.waiting(1_000);
    stalls.waiting(1_400);
    expect(stalls.read(1_050)).toEqual({ count: 0, totalMs: 0 });
    expect(stalls.read(1_500)).toEqual({ count: 1, totalMs: 500 });
    stalls.playing(1_600);
    expect(stalls.read(9_000)).toEqual({ count: 1, totalMs: 600 });
  });

  it('does not count a pause', () => {
    const stalls = new StallCounter();
    stalls.waiting(1_000);
    stalls.forget();
    stalls.playing(5_000);
    expect(stalls.read(9_000)).toEqual({ count: 0, totalMs: 0 });
  });
});
