import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SecondTicker } from './second-ticker.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_250 });
});
afterEach(() => {
  vi.useRealTimers();
});

const clock = { nowMs: () => Date.now(), wallMs: () => Date.now() };

test('ticks at the whole seconds of the wall clock and says which', () => {
  const seconds: number[] = [];
  const ticker = new SecondTicker(clock, (secondMs) => seconds.push(secondMs));
  ticker.start();
  vi.advanceTimersByTime(749);
  expect(seconds).toEqual([]);
  vi.advanceTimersByTime(2001);
  expect(seconds).toEqual([1_700_000_001_000, 1_700_000_002_000, 1_700_000_003_000]);
  ticker.stop();
  vi.advanceTimersByTime(5000);
  expect(seconds).toHaveLength(3);
});

test('may come a little after the second that it is about', () => {
  const seconds: [number, number][] = [];
  const ticker = new SecondTicker(clock, (secondMs) => seconds.push([secondMs, Date.now()]), 200);
  ticker.start();
  vi.advanceTimersByTime(2000);
  expect(seconds).toEqual([
    [1_700_000_001_000, 1_700_000_001_200],
    [1_700_000_002_000, 1_700_000_002_200],
  ]);
  ticker.stop();
});

test('after a long tick the next whole second is next', () => {
  const seconds: number[] = [];
  const ticker = new SecondTicker(clock, (secondMs) => {
    seconds.push(secondMs);
    if (seconds.length === 1) vi.setSystemTime(Date.now() + 2300);
  });
  ticker.start();
  vi.advanceTimersByTime(750);
  vi.advanceTimersByTime(700);
  expect(seconds).toEqual([1_700_000_001_000, 1_700_000_004_000]);
  ticker.stop();
});

test('may be stopped from within its tick', () => {
  let ticks = 0;
  const ticker = new SecondTicker(clock, () => {
    ticks++;
    ticker.stop();
  });
  ticker.start();
  vi.advanceTimersByTime(5000);
  expect(ticks).toBe(1);
});
