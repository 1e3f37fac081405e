import type { Clock } from '../core/clock.ts';
import type { MetricName } from '../metrics/catalogue.ts';
import { Histogram } from '../metrics/histogram.ts';
import type { Point, Registry, Series } from '../metrics/registry.ts';
import type { BusyCause } from '../metrics/shortage.ts';
import { isSecondValid } from '../metrics/verdict.ts';
import { causeOf } from './busy-cause.ts';
import { GcWatch, heapUsed } from './gc-watch.ts';
import { LoopLag } from './loop-lag.ts';
import { threadCpuReader } from './thread-cpu.ts';
import { threadWaitReader } from './thread-wait.ts';

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
  /** What it was short of; `null`: of nothing. */
  readonly cause: BusyCause | null;
}

/** Where a thread's figures about itself come from; tests bring their own. */
export interface SelfSources {
  readonly lag: LoopLag;
  readonly readCpuMs: () => number;
  readonly readWaitedMs: () => number | null;
  readonly gc: Pick<GcWatch, 'start' | 'stop' | 'take'>;
  readonly heapUsed: () => number;
}

/** The calling thread's own. */
export function sourcesOfThread(clock: Clock): SelfSources {
  return {
    lag: new LoopLag(() => clock.nowMs()),
    readCpuMs: threadCpuReader(),
    readWaitedMs: threadWaitReader(),
    gc: new GcWatch(),
    heapUsed,
  };
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
  readonly #sources: SelfSources;
  readonly #cpuSeries: Series;
  readonly #lagSeries: Series;
  #lastMs = 0;
  #lastCpuMs = 0;
  #lastWaitedMs: number | null = null;

  /** @param node tag of its figures, e.g. `viewers-1` */
  constructor(clock: Clock, registry: Registry, node: string, sources = sourcesOfThread(clock)) {
    this.#clock = clock;
    this.#sources = sources;
    this.#cpuSeries = registry.series('generator_cpu', { node });
    this.#lagSeries = registry.series('event_loop_lag_ms', { node });
  }

  start(): void {
    const { lag, gc, readCpuMs, readWaitedMs } = this.#sources;
    lag.start();
    gc.start();
    this.#lastMs = this.#clock.nowMs();
    this.#lastCpuMs = readCpuMs();
    this.#lastWaitedMs = readWaitedMs();
  }

  stop(): void {
    this.#sources.lag.stop();
    this.#sources.gc.stop();
  }

  /** Ends a second: its figures go to the registry, and come back judged. */
  endSecond(): WorkerSecond {
    const nowMs = this.#clock.nowMs();
    const elapsedMs = nowMs - this.#lastMs;
    const { cpuMs, waitedMs } = this.#takeThreadTimes();
    this.#lastMs = nowMs;
    const cpu = elapsedMs > 0 ? cpuMs / elapsedMs : 0;
    const lags = new Histogram();
    for (const lagMs of this.#sources.lag.take()) {
      lags.add(lagMs);
      this.#lagSeries.add(lagMs);
    }
    this.#cpuSeries.add(cpu);
    const eventLoopLagMs = lags.percentile(99);
    const gc = this.#sources.gc.take();
    const valid = isSecondValid({ cpu, eventLoopLagMs });
    const seconds = Math.max(1, Math.round(elapsedMs / 1000));
    const cause = valid
      ? null
      : causeOf({ elapsedMs, cpuMs, waitedMs, eventLoopLagMs, ...gc, heapUsed: this.#sources.heapUsed() });
    return { eventLoopLagMs, cpu, valid, seconds, cause };
  }

  /** What the thread used of the processors, and how long it waited for one, since the last call. */
  #takeThreadTimes(): { cpuMs: number; waitedMs: number | null } {
    const [cpuMs, waitedMs] = [this.#sources.readCpuMs(), this.#sources.readWaitedMs()];
    const [lastCpuMs, lastWaitedMs] = [this.#lastCpuMs, this.#lastWaitedMs];
    this.#lastCpuMs = cpuMs;
    this.#lastWaitedMs = waitedMs;
    return {
      cpuMs: cpuMs - lastCpuMs,
      waitedMs: waitedMs === null || lastWaitedMs === null ? null : waitedMs - lastWaitedMs,
    };
  }
}
