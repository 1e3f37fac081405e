import { createAggregate } from './aggregate.ts';
import type { Point } from './point.ts';

/** A point as columns: what a row of a store or a line of InfluxDB holds. null: not a figure of this type. */
export interface PointFigures {
  count: number | null;
  min: number | null;
  avg: number | null;
  p50: number | null;
  p90: number | null;
  p95: number | null;
  p99: number | null;
  max: number | null;
  /** counter: the increment. gauge: the last sample. ratio: numerator over denominator. */
  value: number | null;
  /** Sum of a trend's or gauge's samples; numerator of a ratio. */
  sum: number | null;
  /** Denominator of a ratio. */
  den: number | null;
}

/** The figures of one point. */
export function pointFigures(point: Point): PointFigures {
  const aggregate = createAggregate(point.type);
  aggregate.absorb(point);
  const { count, min, avg, med, p90, p95, p99, max, value, den } = aggregate.values(0);
  return {
    count: point.type === 'counter' ? null : (count ?? point.count ?? null),
    min: min ?? null,
    avg: avg ?? null,
    p50: med ?? null,
    p90: p90 ?? null,
    p95: p95 ?? null,
    p99: p99 ?? null,
    max: max ?? null,
    value: point.type === 'counter' ? (point.value ?? null) : (value ?? null),
    sum: point.histogram?.sum ?? point.sum ?? point.num ?? null,
    den: den ?? null,
  };
}
