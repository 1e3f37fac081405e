import { describe, expect, test } from 'vitest';
import { Registry } from '../metrics/registry.ts';
import { LoopLag } from './loop-lag.ts';
import { divideSecond, SelfCheck } from './self-check.ts';
import { parseProcStat, threadCpuReader } from './thread-cpu.ts';

/** A check on a clock turned by hand; `run(ms, cpuShare)` lets time pass with the timer on time. */
function handMade() {
  let nowMs = 0;
  let cpuMs = 0;
  const registry = new Registry();
  const lag = new LoopLag(() => nowMs);
  const check = new SelfCheck(
    { nowMs: () => nowMs, wallMs: () => nowMs },
    registry,
    'viewers-1',
    lag,
    () => cpuMs,
  );
  return {
    check,
    registry,
    run(ms: number, cpuShare: number) {
      for (let passed = 0; passed < ms; passed += 10) {
        nowMs += 10;
        lag.sample();
      }
      cpuMs += ms * cpuShare;
    },
    block(ms: number) {
      nowMs += ms;
      cpuMs += ms;
    },
  };
}

describe('a second of a worker', () => {
  test('that had time is valid', () => {
    const { check, registry, run } = handMade();
    run(1000, 0.3);
    expect(check.endSecond()).toEqual({ eventLoopLagMs: 0, cpu: 0.3, valid: true, seconds: 1 });
    registry.cut(1000);
    expect(registry.total('generator_cpu', { node: 'viewers-1' })?.values(1000).value).toBe(0.3);
    expect(registry.total('event_loop_lag_ms')?.values(1000)).toMatchObject({ count: 100, max: 0 });
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

  test('a block right at its end is seen in it, one right at its beginning in it too', () => {
    const { check, run, block } = handMade();
    run(900, 0.1);
    block(110);
    expect(check.endSecond().eventLoopLagMs).toBeCloseTo(100, 6);
    block(110);
    run(900, 0.1);
    expect(check.endSecond().eventLoopLagMs).toBeCloseTo(110, 6);
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
    const untilMs = Date.now() + 120;
    while (Date.now() < untilMs) Math.sqrt(Math.random());
    expect(read() - before).toBeGreaterThan(20);
  });
});
