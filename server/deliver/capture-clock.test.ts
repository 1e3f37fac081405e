import { expect, it } from 'vitest';
import { CaptureClock } from './capture-clock.ts';

it('takes what comes late for as old as the rest', () => {
  const clock = new CaptureClock();
  // A join: two seconds of media at once; then a queue of 400 ms, and its end.
  expect(clock.captured(0, 10_000)).toBe(10_000);
  expect(clock.captured(2_000, 10_000)).toBe(10_000);
  expect(clock.captured(2_040, 10_040)).toBeCloseTo(10_040, 1);
  expect(clock.captured(2_080, 10_480)).toBeCloseTo(10_080, 1);
  expect(clock.captured(2_120, 10_120)).toBeCloseTo(10_120, 1);
});

it('begins anew when the clock of the media leaps', () => {
  const clock = new CaptureClock();
  clock.captured(0, 10_000);
  expect(clock.captured(600_000, 10_040)).toBe(10_040);
  expect(clock.captured(0, 10_080)).toBe(10_080);
});
