import { describe, expect, it } from 'vitest';
import { CaptureTimes } from './capture-times.ts';

const stamp = (frame: number) => ({ publisher: 1, frame, captureUs: frame * 40_000 });

function times(...mediaMs: number[]): CaptureTimes {
  const all = new CaptureTimes();
  for (const ms of mediaMs) all.add(ms, stamp(ms / 40));
  return all;
}

describe('CaptureTimes', () => {
  it('knows the nearest frame, in whatever order they came', () => {
    const known = times(0, 160, 80, 40, 120);
    for (const [ms, frame] of [
      [0, 0],
      [79, 2],
      [81, 2],
      [99, 2],
      [101, 3],
      [175, 4],
    ] as const)
      expect(known.at(ms, 20)?.frame, String(ms)).toBe(frame);
  });

  it('says nothing of a frame that is too far away', () => {
    const known = times(0, 200);
    expect([known.at(21, 20), known.at(179, 20), known.at(221, 20), times().at(0, 20)]).toEqual([
      null,
      null,
      null,
      null,
    ]);
    expect(known.at(20, 20)?.frame).toBe(0);
  });

  it('takes the later word on a time', () => {
    const known = times(0, 40);
    known.add(40, stamp(9));
    expect([known.size, known.at(40, 1)?.frame]).toEqual([2, 9]);
  });

  it('forgets the oldest, and stays within bounds', () => {
    const known = times(...Array.from({ length: 20_000 }, (_, frame) => frame * 40));
    expect(known.size).toBeLessThanOrEqual(4_096);
    expect(known.at(0, 20)).toBeNull();
    expect(known.at(19_999 * 40, 20)?.frame).toBe(19_999);
    expect(known.at((19_999 - 3_000) * 40, 20)?.frame).toBe(16_999);
  });
});
