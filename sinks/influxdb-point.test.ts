import { describe, expect, it } from 'vitest';
import type { Point } from '../metrics/point.ts';
import { Registry } from '../metrics/registry.ts';
import { toInfluxdbPoint } from './influxdb-point.ts';

const stream = { protocol: 'rtmp', stream: 'live/a' };

function onlyPoint(fill: (registry: Registry) => void): Point {
  const registry = new Registry();
  fill(registry);
  const points = registry.cut(1_700_000_000_000.4);
  expect(points).toHaveLength(1);
  return points[0]!;
}

describe('toInfluxdbPoint', () => {
  it('writes a trend as its count and percentiles, with the tags of the run', () => {
    const point = onlyPoint((registry) => {
      const series = registry.series('first_frame_ms', stream);
      for (let i = 1; i <= 100; i++) series.add(i);
    });
    const line = toInfluxdbPoint(point, { run: 'r1', scenario: 'smoke' });
    expect(line).toMatchObject({
      measurement: 'first_frame_ms',
      tags: { ...stream, run: 'r1', scenario: 'smoke' },
      timestamp: 1_700_000_000_000,
      fields: { count: 100, min: 1, avg: 50.5, max: 100 },
    });
    expect(Object.keys(line?.fields ?? {})).toEqual([
      'count',
      'min',
      'avg',
      'p50',
      'p90',
      'p95',
      'p99',
      'max',
    ]);
    expect(line?.fields?.['p95']).toBeCloseTo(95, -0.5);
  });

  it('writes a counter as its increment, a ratio with both sums, a gauge with the sum of its samples', () => {
    expect(
      toInfluxdbPoint(
        onlyPoint((registry) => registry.series('bytes_received', stream).add(1_000)),
        {},
      )?.fields,
    ).toEqual({ value: 1_000 });
    expect(
      toInfluxdbPoint(
        onlyPoint((registry) => registry.series('stall_ratio', stream).add(50, 1_000)),
        {},
      )?.fields,
    ).toEqual({ num: 50, den: 1_000, value: 0.05 });
    const viewersOfTwoWorkers = onlyPoint((registry) => {
      registry.series('viewers', stream).add(7);
      registry.series('viewers', stream).add(5);
    });
    expect(toInfluxdbPoint(viewersOfTwoWorkers, {})?.fields).toEqual({
      value: 5,
      min: 5,
      max: 7,
      count: 2,
      sum: 12,
    });
  });

  it('leaves out figures that the line protocol cannot hold, and points without any', () => {
    const point: Point = { timeMs: 1, metric: 'stall_ratio', tags: stream, type: 'ratio', num: 0, den: 0 };
    expect(toInfluxdbPoint(point, {})?.fields).toEqual({ num: 0, den: 0 });
    expect(
      toInfluxdbPoint(
        { timeMs: 1, metric: 'bytes_received', tags: {}, type: 'counter', value: Number.NaN },
        {},
      ),
    ).toBeNull();
  });

  it('writes no tag that the catalogue does not allow for the metric, and no empty one', () => {
    const point = onlyPoint((registry) => registry.series('dropped_starts', { node: 'n1' }).add(1));
    const odd = { ...point, tags: { ...point.tags, viewer: '4711', stream: 'live/a' } };
    expect(toInfluxdbPoint(odd, { run: '', scenario: 's' })?.tags).toEqual({ node: 'n1', scenario: 's' });
  });
});
