import { describe, expect, it } from 'vitest';
import { Timeline } from './timeline.ts';

const place = (rawMs: number[]) => {
  const timeline = new Timeline();
  return { at: rawMs.map((ms) => timeline.place(ms)), timeline };
};

describe('Timeline', () => {
  it('begins at 0 wherever the stream is', () => {
    const { at, timeline } = place([987_654, 987_694, 987_734]);
    expect(at).toEqual([0, 40, 80]);
    expect(timeline.intervalMs).toBe(40);
    expect(timeline.jumps).toBe(0);
  });

  it('goes on over the wrap of 32-bit milliseconds', () => {
    const { at, timeline } = place([4_294_967_256, 0, 40]);
    expect(at).toEqual([0, 40, 80]);
    expect(timeline.jumps).toBe(0);
  });

  it('puts media after a jump forwards right behind what came before', () => {
    const { at, timeline } = place([0, 40, 9_000_040, 9_000_080]);
    expect(at).toEqual([0, 40, 80, 120]);
    expect(timeline.jumps).toBe(1);
  });

  it('puts media after a restart of the publisher right behind what came before', () => {
    const { at, timeline } = place([50_000, 50_040, 0, 40]);
    expect(at).toEqual([0, 40, 80, 120]);
    expect(timeline.jumps).toBe(1);
  });

  it('takes a few dropped frames for what they are: one frame shown longer', () => {
    expect(place([0, 40, 1_000, 1_040]).at).toEqual([0, 40, 1_000, 1_040]);
  });

  it('knows streams of one frame every few seconds', () => {
    const { at, timeline } = place([0, 900, 1_800, 4_800]);
    expect(at).toEqual([0, 900, 1_800, 4_800]);
    expect(timeline.jumps).toBe(0);
  });

  it('follows a small step back (wall-clock encoders), and keeps the interval', () => {
    const { at, timeline } = place([0, 40, 35, 80]);
    expect(at).toEqual([0, 40, 35, 80]);
    expect(timeline.jumps).toBe(0);
  });

  it('starts anew behind a break, and does not call it a jump', () => {
    const timeline = new Timeline();
    for (const ms of [0, 40, 80]) timeline.place(ms);
    timeline.break();
    expect(timeline.place(1_000_000)).toBe(120);
    expect(timeline.place(1_000_040)).toBe(160);
    expect(timeline.jumps).toBe(0);
  });
});
