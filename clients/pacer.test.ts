import { expect, it } from 'vitest';
import { type Paced, Pacer } from './pacer.ts';

/** A clock and timers that are turned by hand. */
class Time {
  now = 1_000.5;
  timers: { atMs: number; callback: () => void }[] = [];
  started = 0;
  readonly clock = { nowMs: () => this.now, wallMs: () => this.now };
  readonly start = (callback: () => void, ms: number) => {
    const timer = { atMs: this.now + ms, callback };
    this.timers.push(timer);
    this.started++;
    return {
      clear: () => {
        this.timers = this.timers.filter((one) => one !== timer);
      },
    };
  };
  to(ms: number): void {
    for (;;) {
      const next = this.timers.filter(({ atMs }) => atMs <= ms).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.now = next.atMs;
      this.timers = this.timers.filter((one) => one !== next);
      next.callback();
    }
    this.now = ms;
  }
}

function sleeper(woken: number[], then: (nowMs: number, me: Paced) => void = () => {}): Paced {
  const me: Paced = {
    slot: null,
    wake(nowMs) {
      woken.push(nowMs);
      then(nowMs, me);
    },
  };
  return me;
}

it('wakes nobody too soon, and everybody within a tick', () => {
  const time = new Time();
  const pacer = new Pacer(time.clock, time.start);
  const all = Array.from({ length: 300 }, (_, i) => ({
    dueMs: 1_000.5 + ((i * 7_919) % 1_900) + 0.3,
    woken: [] as number[],
  }));
  for (const { dueMs, woken } of all) pacer.at(dueMs, sleeper(woken));
  time.to(4_000);
  for (const { dueMs, woken } of all) {
    expect(woken).toHaveLength(1);
    expect(woken[0]! - dueMs).toBeGreaterThanOrEqual(0);
    expect(woken[0]! - dueMs).toBeLessThanOrEqual(6);
  }
  // One timer for all, and none when nobody waits.
  expect(time.timers).toEqual([]);
  expect(time.started).toBeLessThan(500);
});

it('one that is sooner than those who wait is woken first', () => {
  const time = new Time();
  const pacer = new Pacer(time.clock, time.start);
  const late: number[] = [];
  const soon: number[] = [];
  pacer.at(2_500, sleeper(late));
  pacer.at(1_100, sleeper(soon));
  time.to(1_110);
  expect([soon.length, late.length]).toEqual([1, 0]);
  time.to(2_510);
  expect(late).toHaveLength(1);
});

it('moves and takes out, also while others are woken', () => {
  const time = new Time();
  const pacer = new Pacer(time.clock, time.start);
  const [a, b, c] = [[], [], []] as [number[], number[], number[]];
  const out = sleeper(b);
  const moved = sleeper(c);
  pacer.at(
    1_100,
    sleeper(a, () => {
      pacer.remove(out);
      pacer.at(1_300, moved);
    }),
  );
  pacer.at(1_100, out);
  pacer.at(1_100, moved);
  time.to(1_200);
  expect([a.length, b.length, c.length]).toEqual([1, 0, 0]);
  time.to(1_400);
  expect([a.length, b.length, c.length]).toEqual([1, 0, 1]);
  pacer.at(1_500, out);
  pacer.at(Number.POSITIVE_INFINITY, out);
  expect(time.timers).toEqual([]);
});

it('one that asks again at once is woken again, a tick later', () => {
  const time = new Time();
  const pacer = new Pacer(time.clock, time.start);
  const woken: number[] = [];
  pacer.at(
    0,
    sleeper(woken, (nowMs, me) => (woken.length < 4 ? pacer.at(nowMs, me) : undefined)),
  );
  time.to(1_100);
  expect(woken).toHaveLength(4);
  expect(woken[3]! - woken[0]!).toBeLessThanOrEqual(20);
});

it('wakes at least every two seconds those who wait longer, and goes on after a long pause of the thread', () => {
  const time = new Time();
  const pacer = new Pacer(time.clock, time.start);
  const woken: number[] = [];
  const dueMs = 60_000;
  pacer.at(
    dueMs,
    sleeper(woken, (nowMs, me) => (nowMs < dueMs ? pacer.at(dueMs, me) : undefined)),
  );
  time.to(30_000);
  const before = woken.length;
  expect(before).toBeLessThan(16);
  // The thread was away.
  time.now = 50_000;
  time.to(60_010);
  expect(woken.at(-1)! - dueMs).toBeGreaterThanOrEqual(0);
  expect(woken.at(-1)! - dueMs).toBeLessThanOrEqual(6);
  expect(time.timers).toEqual([]);
});
