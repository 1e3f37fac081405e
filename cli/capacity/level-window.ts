import type { SecondFigures } from '../../fleet/capacity/steadiness.ts';
import type { ViewerStates } from '../../fleet/viewer-states.ts';
import type { Aggregation } from '../../metrics/aggregate.ts';
import type { LevelFigures } from '../../metrics/capacity.ts';
import type { MetricName } from '../../metrics/catalogue.ts';
import { type Point, Registry } from '../../metrics/registry.ts';
import { judge, type Threshold, type ThresholdResult } from '../../metrics/threshold.ts';

/** What a session tells once, mostly while the load is being raised. Everything else is judged where it is steady. */
const ofStarts: ReadonlySet<MetricName> = new Set<MetricName>([
  'connect_ms',
  'first_byte_ms',
  'first_frame_ms',
  'startup_ms',
  'join_lag_ms',
  'sessions_started',
  'sessions_playing',
  'sessions_ended',
  'sessions_failed',
  'start_failure_ratio',
  'exit_before_start_ratio',
  'play_failure_ratio',
]);

/** The seconds of a level's hold, of which the last ones are judged. */
export class LevelWindow {
  readonly #seconds: { readonly points: readonly Point[]; readonly figures: SecondFigures }[] = [];
  readonly #most: number;

  /** @param mostSeconds that are judged */
  constructor(mostSeconds: number) {
    this.#most = mostSeconds;
  }

  add(points: readonly Point[], states: ViewerStates): void {
    this.#seconds.push({ points, figures: secondFigures(points, states) });
    // Points of thousands of streams are not kept longer than they are needed; figures are.
    const old = this.#seconds.length - this.#most - 1;
    if (old >= 0) this.#seconds[old] = { points: [], figures: this.#seconds[old]!.figures };
  }

  get heldMs(): number {
    return this.#seconds.length * 1000;
  }

  get figures(): SecondFigures[] {
    return this.#seconds.map(({ figures }) => figures);
  }

  /** The last seconds, added up. */
  total(): Registry {
    const registry = new Registry();
    for (const { points } of this.#seconds.slice(-this.#most)) registry.absorb(points);
    return registry;
  }

  /** Mean number of viewers past their start in the last seconds. */
  get started(): number | null {
    const last = this.#seconds.slice(-this.#most);
    return last.length === 0
      ? null
      : last.reduce((sum, { figures }) => sum + figures.started, 0) / last.length;
  }
}

/**
 * Judges thresholds on a level: those of starts on the whole of it, all others on the window.
 * @param open model: sessions start all the time, so the window has enough of them
 */
export function judgeLevel(
  thresholds: readonly Threshold[],
  whole: Registry,
  window: Registry,
  open: boolean,
): ThresholdResult[] {
  return thresholds.flatMap((threshold) =>
    judge([threshold], !open && ofStarts.has(threshold.metric) ? whole : window),
  );
}

/** The figures that a level is shown by. */
export function levelFigures(
  whole: Registry,
  window: Registry,
  open: boolean,
  started: number | null,
): LevelFigures {
  const read = (registry: Registry, name: MetricName, aggregation: Aggregation): number | null =>
    registry.total(name)?.read(aggregation, registry.spanMs) ?? null;
  const starts = open ? window : whole;
  const bytesPerSecond = read(window, 'bytes_received', 'rate');
  return {
    firstFrameP50Ms: read(starts, 'first_frame_ms', { p: 50 }),
    firstFrameP95Ms: read(starts, 'first_frame_ms', { p: 95 }),
    latencyP50Ms: read(window, 'latency_ms', { p: 50 }),
    latencyP95Ms: read(window, 'latency_ms', { p: 95 }),
    stallRatio: read(window, 'stall_ratio', 'value'),
    startFailureRatio: read(starts, 'start_failure_ratio', 'value'),
    playing: started,
    receivedBps: bytesPerSecond === null ? null : bytesPerSecond * 8,
  };
}

function secondFigures(points: readonly Point[], states: ViewerStates): SecondFigures {
  const second = new Registry();
  second.absorb(points);
  const started = states.playing + states.stalled + states.reconnecting;
  return {
    waiting: states.connecting + states.starting,
    started,
    receivedBps: (second.total('bytes_received')?.read('count', 0) ?? 0) * 8,
    stalled: second.total('stall_ratio')?.read('value', 0) ?? 0,
    latencyP95Ms: second.total('latency_ms')?.read({ p: 95 }, 0) ?? null,
  };
}
