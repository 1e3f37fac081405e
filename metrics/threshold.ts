import type { Aggregation } from './aggregate.ts';
import type { MetricName, Tags } from './catalogue.ts';
import type { Registry } from './registry.ts';

export type Operator = '<' | '<=' | '>' | '>=' | '==' | '!=';

/** A parsed threshold: `first_frame_ms{protocol:http-flv}` with `p(95)<1500`. */
export interface Threshold {
  readonly metric: MetricName;
  readonly tags: Tags;
  /** As it was written, white space removed: `p(95)<1500`. */
  readonly expression: string;
  readonly aggregation: Aggregation;
  readonly operator: Operator;
  readonly limit: number;
}

export interface ThresholdResult {
  readonly metric: MetricName;
  readonly tags: Tags;
  readonly expression: string;
  /** null: there was no data, which is not ok. */
  readonly observed: number | null;
  readonly ok: boolean;
}

/**
 * Parses a threshold in k6's syntax.
 * @param metric name with optional tag selector: `stall_ratio{protocol:hls,stream:live/a}`
 * @param expression `p(95)<1500`, `avg>=10`, `rate==0` …
 * @throws ThresholdError with one sentence that names the nearest valid word
 */
export function parseThreshold(metric: string, expression: string): Threshold {
  throw new ThresholdError(`${metric} ${expression}`);
}

export class ThresholdError extends Error {}

/** Judges thresholds on a run's totals, in the given order. */
export function judge(_thresholds: readonly Threshold[], _registry: Registry): ThresholdResult[] {
  return [];
}
