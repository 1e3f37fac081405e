import { describe, expect, it } from 'vitest';
import { createSystemClock, systemClock } from './system-clock.ts';

describe('createSystemClock', () => {
  it('gives wall time with the fractions of the monotonic clock', () => {
    let nowMs = 100.25;
    const clock = createSystemClock(
      () => nowMs,
      () => Math.floor(1_700_000_000_000 + nowMs),
    );
    const first = clock.wallMs();
    nowMs += 0.75;
    expect(clock.wallMs() - first).toBeCloseTo(0.75, 3);
    expect(clock.nowMs()).toBe(101);
  });

  it('does not follow the wall clock while the two agree within 2 ms', () => {
    let nowMs = 0;
    let wallMs = 1_000_000;
    const clock = createSystemClock(
      () => nowMs,
      () => wallMs,
    );
    const first = clock.wallMs();
    nowMs += 1_000;
    wallMs += 1_001;
    expect(clock.wallMs() - first).toBeCloseTo(1_000, 6);
  });

  it('follows the wall clock when somebody sets it', () => {
    let nowMs = 0;
    let wallMs = 1_000_000;
    const clock = createSystemClock(
      () => nowMs,
      () => wallMs,
    );
    clock.wallMs();
    nowMs += 10;
    wallMs += 5_010;
    expect(Math.abs(clock.wallMs() - wallMs)).toBeLessThanOrEqual(1);
    wallMs -= 60_000;
    expect(Math.abs(clock.wallMs() - wallMs)).toBeLessThanOrEqual(1);
  });

  it('system clock: wall time is the system time within 3 ms', () => {
    const before = Date.now();
    const wallMs = systemClock.wallMs();
    // Both bounds, because this process may be put aside between two readings for as long as the machine likes.
    expect(wallMs).toBeGreaterThan(before - 3);
    expect(wallMs).toBeLessThan(Date.now() + 3);
  });
});
