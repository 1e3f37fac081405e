import { describe, expect, it } from 'vitest';
import { FrameCount } from './frame-count.ts';

/** Frame n was captured at n · 40 ms. */
const add = (count: FrameCount, ...frames: number[]) =>
  frames.map((frame) => count.add(1, frame, frame * 40_000));
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('FrameCount', () => {
  it('misses nothing in a whole stream, wherever it begins', () => {
    const count = new FrameCount();
    add(count, ...range(7_000, 7_999));
    expect([count.frames, count.missing, count.missingSettled]).toEqual([1_000, 0, 0]);
  });

  it('misses exactly one in fifty', () => {
    const count = new FrameCount();
    add(count, ...range(0, 4_999).filter((frame) => frame % 50 !== 25));
    expect([count.frames, count.missing]).toEqual([4_900, 100]);
  });

  it('counts a frame missing at once, and settles it when it can no longer come', () => {
    const count = new FrameCount();
    add(count, 1, 2, 4);
    expect([count.missing, count.missingSettled]).toEqual([1, 0]);
    add(count, ...range(5, 34));
    expect([count.missing, count.missingSettled]).toEqual([1, 0]);
    add(count, 35);
    expect([count.missing, count.missingSettled]).toEqual([1, 1]);
  });

  it('knows B-frames: out of order is not missing, and what may still come is not missing yet', () => {
    const count = new FrameCount();
    expect(add(count, 0, 4, 2, 1, 3, 8, 6, 5, 7, 12)).not.toContain(false);
    expect(count.missing).toBe(0);
    add(count, 10, 11, 16, 14, 13, 15, 20);
    expect(count.missing).toBe(1);
  });

  it.each([31, 32, 33, 100])('counts a hole of %i frames', (hole) => {
    const count = new FrameCount();
    add(count, ...range(0, 99), ...range(100 + hole, 200 + hole));
    expect([count.frames, count.missing]).toEqual([201, hole]);
    add(count, ...range(201 + hole, 300 + hole));
    expect(count.missingSettled).toBe(hole);
  });

  it('counts each frame once when a server sends its GOP again', () => {
    const count = new FrameCount();
    add(count, ...range(0, 99));
    expect(add(count, ...range(50, 99))).not.toContain(true);
    add(count, 100);
    expect([count.frames, count.missing]).toEqual([101, 0]);
  });

  it('begins anew with another publisher, keeping what was missing', () => {
    const count = new FrameCount();
    add(count, 10, 11, 13);
    count.add(2, 5_000, 9_000_000);
    count.add(2, 5_001, 9_040_000);
    expect([count.frames, count.missing]).toEqual([5, 1]);
  });

  it('begins anew when numbers go back while time goes on: a publisher that restarted under its old number', () => {
    const count = new FrameCount();
    add(count, ...range(0, 10));
    expect(count.add(1, 0, 60_000_000)).toBe(true);
    expect(count.add(1, 1, 60_040_000)).toBe(true);
    expect([count.frames, count.missing]).toEqual([13, 0]);
  });

  it('does not call missing what was sent while the connection was lost', () => {
    const count = new FrameCount();
    add(count, ...range(0, 99));
    count.resume();
    expect(add(count, 80, 90, 99)).toEqual([false, false, false]);
    expect(add(count, 250, 251)).toEqual([true, true]);
    expect([count.frames, count.missing]).toEqual([102, 0]);
  });

  it('counts frames without a stamp, too', () => {
    const count = new FrameCount();
    count.addUnstamped();
    add(count, 1, 2);
    count.addUnstamped();
    expect([count.frames, count.missing]).toEqual([4, 0]);
  });
});
