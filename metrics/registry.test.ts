import { describe, expect, it } from 'vitest';
import { mergePoints } from './merge-points.ts';
import { pointFigures } from './point-figures.ts';
import { Registry } from './registry.ts';

const flv = { protocol: 'http-flv', stream: 'live/a' };
const rtmp = { protocol: 'rtmp', stream: 'live/a' };

function summaryOf(registry: Registry, name: string, tags: object = {}) {
  return registry
    .summaries()
    .find((one) => one.name === name && JSON.stringify(one.tags) === JSON.stringify(tags))?.values;
}

describe('Registry', () => {
  it('gives the same handle for the same tags in any order', () => {
    const registry = new Registry();
    const one = registry.series('latency_ms', { protocol: 'rtmp', stream: 'a' });
    expect(registry.series('latency_ms', { stream: 'a', protocol: 'rtmp' })).toBe(one);
    expect(registry.series('latency_ms', { stream: 'b', protocol: 'rtmp' })).not.toBe(one);
  });

  it('refuses a tag that the metric does not have', () => {
    expect(() => new Registry().series('generator_cpu', { stream: 'live/a' })).toThrow(
      'Metric generator_cpu has no tag "stream"; it may have node, scenario, run.',
    );
  });

  it('cuts what was gained in the second, and nothing twice', () => {
    const registry = new Registry();
    const stalls = registry.series('stall_count', flv);
    stalls.add(2);
    stalls.add(1);
    registry.series('watched_ms', flv);
    expect(registry.cut(1000)).toEqual([
      { timeMs: 1000, metric: 'stall_count', tags: flv, type: 'counter', value: 3 },
    ]);
    expect(registry.cut(2000)).toEqual([]);
    stalls.add(4);
    expect(registry.cut(3000)[0]?.value).toBe(4);
    expect(summaryOf(registry, 'stall_count')).toEqual({ count: 7, rate: 7 / 3 });
  });

  it('gives points that can cross a thread border', () => {
    const registry = new Registry();
    registry.series('latency_ms', flv).add(812.5);
    registry.series('received_bps', flv).add(600_000);
    registry.series('received_bps', flv).add(500_000);
    registry.series('stall_ratio', flv).add(10, 1000);
    const points = registry.cut(5000);
    expect(structuredClone(points)).toEqual(points);
    expect(JSON.parse(JSON.stringify(points))).toEqual(points);
    expect(points[1]).toEqual({
      timeMs: 5000,
      metric: 'received_bps',
      tags: flv,
      type: 'gauge',
      value: 500_000,
      count: 2,
      sum: 1_100_000,
      min: 500_000,
      max: 600_000,
    });
  });

  it("absorbs workers' points to the totals that one worker alone would have", () => {
    const alone = new Registry();
    const workers = [new Registry(), new Registry(), new Registry()];
    const main = new Registry();
    for (let i = 0; i < 3000; i++) {
      const value = (i * 7919) % 3001;
      const tags = i % 2 ? flv : rtmp;
      for (const registry of [alone, workers[i % 3]!]) {
        registry.series('first_frame_ms', tags).add(value);
        registry.series('stall_ratio', tags).add(value, 10_000);
        registry.series('bytes_received', tags).add(value);
      }
      if (i % 500 === 499) for (const worker of workers) main.absorb(worker.cut(i));
    }
    alone.cut(499);
    alone.cut(2999);
    expect(main.summaries()).toHaveLength(alone.summaries().length);
    for (const one of alone.summaries()) expect(summaryOf(main, one.name, one.tags)).toEqual(one.values);
  });

  it('takes a ratio of sums, never a mean of ratios', () => {
    const registry = new Registry();
    registry.series('stall_ratio', flv).add(1000, 2000);
    registry.series('stall_ratio', flv).add(0, 98_000);
    expect(summaryOf(registry, 'stall_ratio')).toEqual({ value: 0.01, num: 1000, den: 100_000 });
  });

  it('has no ratio where there is no denominator', () => {
    const registry = new Registry();
    registry.series('stall_ratio', flv).add(0, 0);
    expect(registry.summaries()).toEqual([]);
    registry.series('stall_ratio', flv).add(5);
    expect(summaryOf(registry, 'stall_ratio')).toEqual({ num: 5, den: 0 });
  });

  it('sums up the whole, by protocol, by protocol and stream, and by series', () => {
    const registry = new Registry();
    registry.series('first_frame_ms', { ...flv, cohort: 'x' }).add(100);
    registry.series('first_frame_ms', { ...flv, cohort: 'y' }).add(300);
    registry.series('first_frame_ms', { ...rtmp, cohort: 'x' }).add(500);
    const groups = registry.summaries().map(({ tags, values }) => [tags, values.count, values.max]);
    expect(groups).toEqual([
      [{}, 3, 500],
      [{ protocol: 'http-flv' }, 2, 300],
      [flv, 2, 300],
      [{ cohort: 'x' }, 2, 500],
      [{ ...flv, cohort: 'x' }, 1, 100],
      [{ cohort: 'y' }, 1, 300],
      [{ ...flv, cohort: 'y' }, 1, 300],
      [{ protocol: 'rtmp' }, 1, 500],
      [rtmp, 1, 500],
      [{ ...rtmp, cohort: 'x' }, 1, 500],
    ]);
  });

  it('counts an increment of zero as data: somebody was looking', () => {
    const registry = new Registry();
    registry.series('sessions_failed', flv).add(0);
    expect(registry.cut(1000)).toHaveLength(1);
    expect(summaryOf(registry, 'sessions_failed')).toEqual({ count: 0, rate: 0 });
  });

  it('includes the second under way in totals and summaries, and cuts it all the same', () => {
    const registry = new Registry();
    registry.series('latency_ms', flv).add(5);
    expect(registry.total('latency_ms')?.read('max', 0)).toBe(5);
    registry.series('latency_ms', flv).add(7);
    expect(summaryOf(registry, 'latency_ms')?.count).toBe(2);
    expect(registry.cut(1000)[0]?.histogram?.count).toBe(2);
    expect(summaryOf(registry, 'latency_ms')?.count).toBe(2);
  });
});

describe('mergePoints', () => {
  it('makes one point for each series of the second', () => {
    const [a, b] = [new Registry(), new Registry()];
    for (const value of [10, 20]) a.series('latency_ms', flv).add(value);
    for (const value of [30, 40, 50]) b.series('latency_ms', flv).add(value);
    a.series('received_bps', rtmp).add(7);
    a.series('stall_ratio', flv).add(1, 10);
    b.series('stall_ratio', flv).add(1, 30);
    const merged = mergePoints([...a.cut(1003), ...b.cut(1001)], 1000);
    expect(merged.map((point) => [point.timeMs, point.metric])).toEqual([
      [1000, 'latency_ms'],
      [1000, 'received_bps'],
      [1000, 'stall_ratio'],
    ]);
    expect(pointFigures(merged[0]!)).toMatchObject({
      count: 5,
      min: 10,
      avg: 30,
      p50: expect.closeTo(30, 0),
      max: 50,
    });
    expect(pointFigures(merged[2]!)).toMatchObject({ value: 0.05, sum: 2, den: 40, count: null });
  });
});

describe('pointFigures', () => {
  it('lays out each type in the same columns', () => {
    const registry = new Registry();
    registry.series('stall_count', flv).add(3);
    registry.series('viewers').add(20);
    const [counter, gauge] = registry.cut(0).map(pointFigures);
    expect(counter).toEqual({
      count: null,
      min: null,
      avg: null,
      p50: null,
      p90: null,
      p95: null,
      p99: null,
      max: null,
      value: 3,
      sum: null,
      den: null,
    });
    expect(gauge).toMatchObject({ count: 1, min: 20, avg: 20, max: 20, value: 20, sum: 20, p50: null });
  });
});
