import { describe, expect, it } from 'vitest';
import { CaptureCurve } from './capture-curve.ts';

const EPOCH = 1_790_000_000_000;

describe('CaptureCurve', () => {
  it('knows nothing before the first stamp, and nothing of media before it', () => {
    const curve = new CaptureCurve();
    expect(curve.captureAt(0)).toBeNaN();
    curve.record(100, EPOCH);
    expect(curve.captureAt(99)).toBeNaN();
    expect(curve.captureAt(100)).toBe(EPOCH);
  });

  it('is exact along a steady stream, an hour after the last change', () => {
    const curve = new CaptureCurve();
    for (let ms = 0; ms < 3_600_000; ms += 40) curve.record(ms, EPOCH + ms);
    expect(curve.captureAt(3_599_990)).toBe(EPOCH + 3_599_990);
  });

  it('is within the rounding of timestamps (33, 33, 34 ms)', () => {
    const curve = new CaptureCurve();
    for (let frame = 0; frame < 300; frame++)
      curve.record(Math.floor((frame * 100) / 3), EPOCH + (frame * 100) / 3);
    expect(Math.abs(curve.captureAt(5_000) - (EPOCH + 5_000))).toBeLessThanOrEqual(2);
  });

  it('follows clocks that drift apart, to within 4 ms', () => {
    const curve = new CaptureCurve();
    for (let frame = 0; frame < 10_000; frame++) curve.record(frame * 40, EPOCH + frame * 40.02);
    expect(Math.abs(curve.captureAt(399_000) - (EPOCH + 9_975 * 40.02))).toBeLessThanOrEqual(4);
  });

  it('follows a jump at the frame where it is', () => {
    const curve = new CaptureCurve();
    for (let ms = 0; ms < 1_000; ms += 40) curve.record(ms, EPOCH + ms);
    for (let ms = 1_000; ms < 2_000; ms += 40) curve.record(ms, EPOCH + 5_000 + ms);
    expect(curve.captureAt(960)).toBe(EPOCH + 960);
    expect(curve.captureAt(1_000)).toBe(EPOCH + 6_000);
    expect(curve.captureAt(1_990)).toBe(EPOCH + 6_990);
  });

  it('bears frames out of order', () => {
    const curve = new CaptureCurve();
    for (const ms of [0, 160, 80, 40, 120, 320, 240, 200, 280]) curve.record(ms, EPOCH + ms);
    expect(curve.captureAt(200)).toBe(EPOCH + 200);
  });

  it('bounds its memory: with a jump at each frame it still knows the newest 64', () => {
    const curve = new CaptureCurve();
    const captureAt = (frame: number) => EPOCH + frame * 40 + (frame % 2) * 500;
    for (let frame = 0; frame < 1_000; frame++) curve.record(frame * 40, captureAt(frame));
    for (let frame = 1_000 - 64; frame < 1_000; frame++)
      expect(curve.captureAt(frame * 40)).toBe(captureAt(frame));
  });

  it('is within 20 ms under noise, over 6 s of buffer', () => {
    const curve = new CaptureCurve();
    const noise = (frame: number) => ((frame * 7_919) % 19) - 9;
    for (let frame = 0; frame < 1_000; frame++) curve.record(frame * 17, EPOCH + frame * 17 + noise(frame));
    for (let frame = 1_000 - 350; frame < 1_000; frame++)
      expect(Math.abs(curve.captureAt(frame * 17) - (EPOCH + frame * 17))).toBeLessThanOrEqual(30);
  });
});
