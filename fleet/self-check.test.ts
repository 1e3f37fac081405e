import { describe, expect, test } from 'vitest';
import { Registry } from '../metrics/registry.ts';
import { GcWatch, heapUsed } from './gc-watch.ts';
import { LoopLag, SAMPLE_EVERY_MS } from './loop-lag.ts';
import { divideSecond, SelfCheck } from './self-check.ts';
import { parseProcStat, threadCpuReader } from './thread-cpu.ts';
import { parseSchedstat } from './thread-wait.ts';

/** A check on a clock turned by hand; `run(ms, cpuShare)` lets time pass with the timer on time. */
function handMade() {
  let nowMs = 0;
  let cpuMs = 0;
  let waitedMs = 0;
  const registry = new Registry();
  const lag = new LoopLag(() => nowMs);
  const check = new SelfCheck({ nowMs: () => nowMs, wallMs: () => nowMs }, registry, 'viewers-1', {
    lag,
    readCpuMs: () => cpuMs,
    readWaitedMs: () => waitedMs,
    gc: { start: () => {}, stop: () => {}, take: () => ({ gcMs: 0, longestGcMs: 0 }) },
    heapUsed: () => 0.1,
  });
  return {
    check,
    registry,
    run(ms: number, cpuShare: number) {
      for (let passed = 0; passed < ms; passed += SAMPLE_EVERY_MS) {
        nowMs += SAMPLE_EVERY_MS;
        lag.sample();
      }
      cpuMs += ms * cpuShare;
    },
    block(ms: number) {
      nowMs += ms;
      cpuMs += ms;
    },
    wait(ms: number) {
      nowMs += ms;
      waitedMs += ms;
    },
  };
}

describe('a second of a worker', () => {
  test('that had time is valid', () => {
    const { check, registry, run } = handMade();
    run(1000, 0.3);
    expect(check.endSecond()).toEqual({
      eventLoopLagMs: 0,
      cpu: 0.3,
      valid: true,
      seconds: 1,
      cause: null,
    });
    registry.cut(1000);
    expect(registry.total('generator_cpu', { node: 'viewers-1' })?.values(1000).value).toBe(0.3);
    expect(registry.total('event_loop_lag_ms')?.values(1000)).toMatchObject({ count: 50, max: 0 });
  });

  test('in which the loop was blocked for 120 ms is not', () => {
    const { check, run, block } = handMade();
    run(500, 0.1);
    block(120);
    run(380, 0.1);
    const second = check.endSecond();
    expect(second.valid).toBe(false);
    expect(second.eventLoopLagMs).toBeCloseTo(120, 6);
  });

  test('that took five, because the thread was stopped, stands for five', () => {
    const { check, run, block } = handMade();
    run(500, 0.1);
    block(4100);
    run(400, 0.1);
    expect(check.endSecond()).toMatchObject({ valid: false, seconds: 5 });
  });
  test('tells work of its own from a processor that others had', () => {
    const { check, run, block, wait } = handMade();
    run(600, 0.1);
    block(400);
    expect(check.endSecond()).toMatchObject({ valid: false, cause: 'blocked' });
    run(600, 0.1);
    wait(400);
    expect(check.endSecond()).toMatchObject({ valid: false, cause: 'waiting-for-cpu' });
    run(1000, 0.1);
    expect(check.endSecond()).toMatchObject({ valid: true, cause: null });
  });

  test('a block right at its end is seen in it, one right at its beginning in it too', () => {
    const { check, run, block } = handMade();
    run(900, 0.1);
    block(120);
    expect(check.endSecond().eventLoopLagMs).toBeCloseTo(100, 6);
    block(120);
    run(900, 0.1);
    expect(check.endSecond().eventLoopLagMs).toBeCloseTo(120, 6);
  });

  test('with more than 90 % CPU is not', () => {
    const { check, run } = handMade();
    run(1000, 0.91);
    expect(check.endSecond()).toMatchObject({ eventLoopLagMs: 0, valid: false });
    run(1000, 0.89);
    expect(check.endSecond()).toMatchObject({ valid: true });
  });

  test('that is not valid keeps its latencies and stalls apart, and nothing else', () => {
    const registry = new Registry();
    registry.series('latency_ms').add(900);
    registry.series('stall_ratio').add(1, 10);
    registry.series('first_frame_ms').add(50);
    registry.series('bytes_received').add(50);
    const points = registry.cut(0);
    expect(divideSecond(points, true)).toEqual({ kept: points, apart: [] });
    const { kept, apart } = divideSecond(points, false);
    expect(kept.map((point) => point.metric)).toEqual(['first_frame_ms', 'bytes_received']);
    expect(apart.map((point) => point.metric)).toEqual(['latency_ms', 'stall_ratio']);
  });
});

describe('the CPU time of this thread', () => {
  test('is read from a stat line whatever the name in it', () => {
    const line = '7 (a b) c) R 1 1 1 0 -1 4194304 101 0 0 0 123 45 0 0 20 0 1 0 174959';
    expect(parseProcStat(line)).toBe(1680);
    expect(parseProcStat('')).toBeNull();
  });
  test('grows while it works', () => {
    const read = threadCpuReader();
    const before = read();
    // Of processor time, not of the clock: on a busy machine this thread may have little of it.
    const used = () => process.cpuUsage().user / 1000;
    const untilMs = used() + 120;
    while (used() < untilMs) Math.sqrt(Math.random());
    expect(read() - before).toBeGreaterThan(20);
  });
});

describe('the time that this thread waited for a processor', () => {
  test('is the second number of its line', () => {
    expect(parseSchedstat('725370 1090636175 300\n')).toBeCloseTo(1090.636, 3);
    expect(parseSchedstat('')).toBeNull();
    expect(parseSchedstat('1 2\n')).toBeNull();
  });
});

test('collecting garbage is seen', async () => {
  const watch = new GcWatch();
  watch.start();
  let kept: unknown[] = [];
  for (let round = 0; round < 40; round++)
    kept = Array.from({ length: 100_000 }, (_, i) => ({ round, i, kept: kept.length }));
  await new Promise((told) => setImmediate(() => setImmediate(told)));
  const { gcMs, longestGcMs } = watch.take();
  watch.stop();
  expect(gcMs).toBeGreaterThan(0);
  expect(longestGcMs).toBeGreaterThan(0);
  expect(gcMs).toBeGreaterThanOrEqual(longestGcMs);
  expect(heapUsed()).toBeGreaterThan(0);
  expect(heapUsed()).toBeLessThan(1);
});
