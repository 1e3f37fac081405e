import { describe, expect, it } from 'vitest';
import { FrameSlots } from './frame-slots.ts';

describe('frame slots', () => {
  it('take one picture each, on time', () => {
    const slots = new FrameSlots(25);
    slots.start(1_000);
    expect([1_000, 1_001, 1_039.9, 1_040, 1_079, 1_080.2].map((nowMs) => slots.take(nowMs))).toEqual([
      0,
      null,
      null,
      1,
      null,
      2,
    ]);
    expect(slots.skipped).toBe(0);
  });

  it('that go by without a picture are counted, and the later ones stay where they are', () => {
    const slots = new FrameSlots(25);
    slots.start(0);
    slots.take(0);
    expect(slots.take(205)).toBe(5);
    expect(slots.skipped).toBe(4);
    expect(slots.take(240)).toBe(6);
    expect(slots.mediaMs(6)).toBe(240);
    expect(slots.skipped).toBe(4);
  });

  it('tell how long to wait', () => {
    const slots = new FrameSlots(50);
    slots.start(100);
    expect(slots.waitMs(90)).toBe(10);
    slots.take(100);
    expect(slots.waitMs(105)).toBe(15);
    expect(slots.waitMs(1_000)).toBe(0);
  });

  it('do not drift at rates whose interval is no whole number, and are found from rounded times', () => {
    for (const fps of [24_000 / 1_001, 29.97, 30, 60, 120]) {
      const slots = new FrameSlots(fps);
      slots.start(0);
      for (let slot = 0; slot < 10_000; slot++) {
        const dueMs = (slot * 1_000) / fps;
        expect(slots.take(dueMs)).toBe(slot);
        expect(slots.slotAt(Math.round(dueMs))).toBe(slot);
      }
      expect(slots.skipped).toBe(0);
    }
  });
});
