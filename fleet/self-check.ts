import type { Clock } from '../core/clock.ts';
import type { MetricName } from '../metrics/catalogue.ts';
import { Histogram } from '../metrics/histogram.ts';
import type { Point, Registry, Series } from '../metrics/registry.ts';
import { isSecondValid } from '../metrics/verdict.ts';
import { LoopLag } from './loop-lag.ts';
import { threadCpuReader } from './thread-cpu.ts';

/** What a worker thread knows about one of its seconds. */
export interface WorkerSecond {
  /** p99 of the event loop's lag. */
  readonly eventLoopLagMs: number;
  /** CPU time over wall time: 1 is a whole core. */
  readonly cpu: number;
  /** False: the thread was too busy for its latencies and stalls to be believed. */
  readonly valid: boolean;
  /** Seconds that it stands for: more than one when the thread was held up (or stopped) over several. */
  readonly seconds: number;
}

/**
 * Figures that a busy generator makes worse by itself. Those of an invalid second are kept apart and counted. The
 * ratios go with their parts, above and below the line alike, so that they stay ratios of what was seen well.
 */
const suspect: ReadonlySet<MetricName> = new Set<MetricName>([
  'latency_ms',
  'delivery_ms',
  'join_lag_ms',
  'latency_uncertainty_ms',
  'stall_count',
  'stall_count_player',
  'stall_ms',
  'stall_ratio',
  'rebuffer_ratio_conviva',
]);

/** Divides a second's points: what is believed, and what is kept apart when the second was not valid. */
export function divideSecond(points: readonly Point[], valid: boolean): { kept: Point[]; apart: Point[] } {
  if (valid) return { kept: [...points], apart: [] };
  return {
    kept: points.filter((point) => !suspect.has(point.metric)),
    apart: points.filter((point) => suspect.has(point.metric)),
  };
}

/** A thread's look at itself, once a second. */
export class SelfCheck {
  readonly #clock: Clock;
  readonly #lag: LoopLag;
  readonly #readCpuMs: () => number;
  readonly #cpuSeries: Series;
  readonly #lagSeries: Series;
  #lastMs = 0;
  #lastCpuMs = 0;

  /** @param node tag of its figures, e.g. `viewers-1` */
  constructor(
    clock: Clock,
    registry: Registry,
    node: string,
    lag = new LoopLag(() => clock.nowMs()),
    readCpuMs = threadCpuReader(),
  ) {
    this.#clock = clock;
    this.#lag = lag;
    this.#readCpuMs = readCpuMs;
    this.#cpuSeries = registry.series('generator_cpu', { node });
    this.#lagSeries = registry.series('event_loop_lag_ms', { node });
  }

  start(): void {
    this.#lag.start();
    this.#lastMs = this.#clock.nowMs();
    this.#lastCpuMs = this.#readCpuMs();
  }

  stop(): void {
    this.#lag.stop();
  }

  /** Ends a second: its figures go to the registry, and come back judged. */
  endSecond(): WorkerSecond {
    const nowMs = this.#clock.nowMs();
    const cpuMs = this.#readCpuMs();
    const elapsedMs = nowMs - this.#lastMs;
    const cpu = elapsedMs > 0 ? (cpuMs - this.#lastCpuMs) / elapsedMs : 0;
    this.#lastMs = nowMs;
    this.#lastCpuMs = cpuMs;
    const lags = new Histogram();
    for (const lagMs of this.#lag.take()) {
      lags.add(lagMs);
      this.#lagSeries.add(lagMs);
    }
    this.#cpuSeries.add(cpu);
    const eventLoopLagMs = lags.percentile(99);
    const seconds = Math.max(1, Math.round(elapsedMs / 1000));
    return { eventLoopLagMs, cpu, valid: isSecondValid({ cpu, eventLoopLagMs }), seconds };
  }
}
