import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type OnDue, TimeWheel } from './time-wheel.ts';

const clock = { nowMs: () => performance.now(), wallMs: () => 1_000_000 + performance.now() };
let startMs = 0;
const sinceMs = () => performance.now() - startMs;

beforeEach(() => {
  vi.useFakeTimers();
  startMs = performance.now();
});
afterEach(() => vi.useRealTimers());

describe('the time wheel', () => {
  it('calls each once, never early and at most a slot late, with both clocks of one moment', () => {
    const wheel = new TimeWheel(clock);
    const called: [number, number][] = [];
    for (const dueMs of [0, 1, 7, 40, 41.5, 1_999, 2_000, 2_030])
      wheel.at(startMs + dueMs, (nowMs, wallMs) => {
        expect(wallMs - nowMs).toBe(1_000_000);
        called.push([dueMs, sinceMs()]);
      });
    vi.advanceTimersByTime(5_000);
    expect(called.map(([dueMs]) => dueMs)).toEqual([0, 1, 7, 40, 41.5, 1_999, 2_000, 2_030]);
    for (const [dueMs, atMs] of called) {
      expect(atMs).toBeGreaterThanOrEqual(dueMs);
      expect(atMs).toBeLessThanOrEqual(dueMs + 6);
    }
    expect(vi.getTimerCount()).toBe(0);
  });

  it('takes who asks again from within, for years', () => {
    const wheel = new TimeWheel(clock);
    let dueMs = startMs;
    const lateMs: number[] = [];
    const turn: OnDue = (nowMs) => {
      lateMs.push(nowMs - dueMs);
      dueMs += 40;
      if (lateMs.length < 1_000) wheel.at(dueMs, turn);
    };
    wheel.at(dueMs, turn);
    vi.advanceTimersByTime(40_100);
    expect(lateMs).toHaveLength(1_000);
    expect(Math.max(...lateMs)).toBeLessThanOrEqual(6);
  });

  it('calls early who asks for more than it holds', () => {
    const wheel = new TimeWheel(clock);
    const calls: number[] = [];
    wheel.at(startMs + 60_000, () => calls.push(sinceMs()));
    vi.advanceTimersByTime(3_000);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toBeGreaterThan(1_900);
  });

  it('after a pause of the process calls everybody once, at once', () => {
    let nowMs = 10_000;
    const wheel = new TimeWheel({ nowMs: () => nowMs, wallMs: () => nowMs });
    const called: number[] = [];
    for (const dueMs of [10_040, 10_400, 11_900]) wheel.at(dueMs, () => called.push(dueMs));
    nowMs = 70_000;
    wheel.turn();
    expect([...called].sort()).toEqual([10_040, 10_400, 11_900]);
    wheel.turn();
    expect(called).toHaveLength(3);
  });

  it('forgets who takes it back, and has no timer when nobody waits', () => {
    const wheel = new TimeWheel(clock);
    const called: string[] = [];
    const first = () => called.push('first');
    wheel.at(startMs + 40, first);
    wheel.at(startMs + 40, () => called.push('second'));
    wheel.remove(first);
    vi.advanceTimersByTime(100);
    expect(called).toEqual(['second']);
    wheel.at(startMs + 140, first);
    wheel.remove(first);
    expect(vi.getTimerCount()).toBe(0);
  });
});
