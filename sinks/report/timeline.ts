/**
 * What the report's plots are drawn from: a few metrics by protocol over the run, in a bounded number of bins.
 *
 *     points ──► bin (metric, protocol, second) ──► lines of values
 *
 * A bin is one second wide; when a run outgrows `MOST_BINS`, neighbours are merged and bins become twice as wide. Bins
 * hold aggregates, not figures, so merging streams, workers and seconds is exact.
 */
import { type Aggregate, createAggregate } from '../../metrics/aggregate.ts';
import { type MetricName, metricOf } from '../../metrics/catalogue.ts';
import type { Point } from '../../metrics/point.ts';

const MOST_BINS = 1_000;

/** The metrics that the plots need; others pass by. */
export const timelineMetrics: readonly MetricName[] = [
  'sessions_started',
  'sessions_ended',
  'sessions_failed',
  'first_frame_ms',
  'latency_ms',
  'stall_count',
  'received_bps',
  'generator_cpu',
  'event_loop_lag_ms',
  'socket_backlog',
  'target_cpu',
  'target_rss_bytes',
  'target_sockets',
  'target_sent_bps',
  'target_received_bps',
];

export class Timeline {
  readonly #startedMs: number;
  /** By metric, then by protocol ('' for metrics without one), then by bin. */
  readonly #bins = new Map<MetricName, Map<string, (Aggregate | undefined)[]>>();
  #binSeconds = 1;
  #length = 0;

  /** @param startedMs wall-clock milliseconds of the run's start */
  constructor(startedMs: number) {
    this.#startedMs = startedMs;
    for (const metric of timelineMetrics) this.#bins.set(metric, new Map());
  }

  get binSeconds(): number {
    return this.#binSeconds;
  }

  /** Number of bins from the run's start to the last point. */
  get length(): number {
    return this.#length;
  }

  add(points: readonly Point[]): void {
    for (const point of points) {
      const byProtocol = this.#bins.get(point.metric);
      if (!byProtocol) continue;
      const bin = this.#binOf(point.timeMs);
      const protocol = point.tags.protocol ?? '';
      let bins = byProtocol.get(protocol);
      if (!bins) {
        bins = [];
        byProtocol.set(protocol, bins);
      }
      bins[bin] ??= createAggregate(point.type);
      bins[bin].absorb(point);
    }
  }

  /** Protocols that a metric was measured for, in alphabetical order. */
  protocols(metric: MetricName): string[] {
    return [...(this.#bins.get(metric)?.keys() ?? [])].sort();
  }

  /** One value per bin; null where there was no data. */
  line(
    metric: MetricName,
    protocol: string,
    figure: (aggregate: Aggregate) => number | null,
  ): (number | null)[] {
    const bins = this.#bins.get(metric)?.get(protocol) ?? [];
    return Array.from({ length: this.#length }, (_, bin) => {
      const aggregate = bins[bin];
      return aggregate ? figure(aggregate) : null;
    });
  }

  /** Points carry the end of their second. Workers are not exactly on it, so the nearest second is meant. */
  #binOf(timeMs: number): number {
    const second = Math.max(0, Math.round((timeMs - this.#startedMs) / 1000) - 1);
    while (second >= MOST_BINS * this.#binSeconds) this.#widen();
    const bin = Math.floor(second / this.#binSeconds);
    this.#length = Math.max(this.#length, bin + 1);
    return bin;
  }

  #widen(): void {
    for (const [metric, byProtocol] of this.#bins) {
      for (const [protocol, bins] of byProtocol) {
        const wider: (Aggregate | undefined)[] = [];
        for (const [bin, aggregate] of bins.entries()) {
          if (!aggregate) continue;
          wider[bin >> 1] ??= createAggregate(metricOf(metric).type);
          wider[bin >> 1]?.absorb(aggregate.encode());
        }
        byProtocol.set(protocol, wider);
      }
    }
    this.#binSeconds *= 2;
    this.#length = (this.#length + 1) >> 1;
  }
}
