import type { MetricName, MetricType, Tags } from './catalogue.ts';
import type { EncodedHistogram } from './histogram.ts';

/**
 * What one series gained in one second: plain data that crosses thread borders by structured clone and is JSON as it is.
 * Which fields are there follows from `type`.
 */
export interface Point extends PointFields {
  /** Wall-clock milliseconds since the epoch at which the second ended. */
  timeMs: number;
  metric: MetricName;
  tags: Tags;
  type: MetricType;
}

export interface PointFields {
  /** trend: the second's samples. */
  histogram?: EncodedHistogram;
  /** counter: the increment. gauge: the last sample. */
  value?: number;
  /** gauge: its samples within the second (one per viewer, worker or publisher). */
  count?: number;
  sum?: number;
  min?: number;
  max?: number;
  /** ratio: increments of the two sums. */
  num?: number;
  den?: number;
}
