import { describe, expect, it } from 'vitest';
import { LinkQueue } from './link-queue.ts';

const noJitter = () => 0;
const bytes = (length: number, value = 0) => new Uint8Array(length).fill(value);
const size = (pieces: Uint8Array[]) => pieces.reduce((sum, piece) => sum + piece.length, 0);

describe('LinkQueue', () => {
  it('delays by exactly the delay', () => {
    const queue = new LinkQueue({ delayMs: 2_000 }, noJitter);
    queue.arrive(bytes(10, 1), 100);
    queue.arrive(bytes(20, 2), 150);
    expect(queue.release(2_099.9)).toEqual([]);
    expect(queue.nextChangeMs(2_099.9)).toBe(2_100);
    expect(queue.release(2_100)).toEqual([bytes(10, 1)]);
    expect(queue.nextChangeMs(2_100)).toBe(2_150);
    expect(queue.release(2_150)).toEqual([bytes(20, 2)]);
    expect(queue.nextChangeMs(2_150)).toBe(Number.POSITIVE_INFINITY);
    expect(queue.full(2_150)).toBe(false);
  });

  it('keeps order under jitter, and jitter is never negative', () => {
    const draws = [0.9, 0.1, 0.5];
    const queue = new LinkQueue({ delayMs: 10, jitterMs: 100 }, () => draws.shift()!);
    for (const [value, atMs] of [
      [1, 0],
      [2, 1],
      [3, 2],
    ] as const)
      queue.arrive(bytes(1, value), atMs);
    expect(queue.release(99)).toEqual([]);
    expect(queue.release(100)).toEqual([bytes(1, 1), bytes(1, 2), bytes(1, 3)]);
  });

  it('carries as many bits per second as it says, late calls or not', () => {
    const queue = new LinkQueue({ bitsPerSecond: 800_000, burstBytes: 0 }, noJitter);
    queue.arrive(bytes(100_000), 0);
    expect(queue.full(0)).toBe(true);
    let carried = 0;
    for (const nowMs of [250, 251, 500]) carried += size(queue.release(nowMs));
    expect(carried).toBe(50_000);
    expect(size(queue.release(1_000))).toBe(50_000);
    expect(queue.empty).toBe(true);
  });

  it('lets a burst pass after a pause, and no more than the burst', () => {
    const queue = new LinkQueue({ bitsPerSecond: 800_000, burstBytes: 4_000 }, noJitter);
    queue.arrive(bytes(10_000), 5_000);
    expect(size(queue.release(5_000))).toBe(4_000);
    expect(size(queue.release(5_010))).toBe(1_000);
  });

  it('presses back while the line is busy, not while bytes are merely under way', () => {
    const queue = new LinkQueue({ bitsPerSecond: 800_000, burstBytes: 0, delayMs: 3_000 }, noJitter);
    queue.arrive(bytes(20_000), 0);
    expect(queue.full(0)).toBe(true);
    expect(queue.nextChangeMs(0)).toBe(150);
    expect(queue.full(150)).toBe(false);
    expect(queue.nextChangeMs(150)).toBe(3_010);
  });

  it('holds everything during a cut, presses back, and goes on where it was', () => {
    const queue = new LinkQueue({ delayMs: 10 }, noJitter);
    queue.arrive(bytes(5, 1), 0);
    queue.holdUntil(3_000);
    expect(queue.release(2_999)).toEqual([]);
    expect(queue.full(2_999)).toBe(true);
    expect(queue.nextChangeMs(5)).toBe(3_000);
    queue.arrive(bytes(5, 2), 2_995);
    expect(queue.release(3_000)).toEqual([bytes(5, 1)]);
    expect(queue.release(3_005)).toEqual([bytes(5, 2)]);
    expect(queue.full(3_005)).toBe(false);
  });

  it('takes a new shape for what arrives from then on', () => {
    const queue = new LinkQueue({ delayMs: 1_000 }, noJitter);
    queue.arrive(bytes(1, 1), 0);
    queue.reshape({ delayMs: 0 });
    queue.arrive(bytes(1, 2), 10);
    // Order comes first: a shorter delay cannot overtake.
    expect(queue.release(999)).toEqual([]);
    expect(queue.release(1_000)).toEqual([bytes(1, 1), bytes(1, 2)]);
  });
});
