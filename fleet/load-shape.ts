import type { ScenarioCohort } from '../scenarios/schema.ts';

/**
 * When viewers come and go, as pure functions of time: nothing here waits, so all of it is tested without waiting.
 *
 *     closed model ("viewers"): a level of viewers            open model ("arrivals"): a rate of new sessions
 *
 *      level │      ____                                       rate │     /‾‾‾‾
 *            │    /      \                                          │   /
 *            │  /          \                                        │ /   the n-th session starts when the
 *            └────────────────► time                                └────────────► area has reached n
 *             slot n is on while the level is above n
 *
 * In both, every start has an index from 0, which does not depend on how many workers share the load: a worker takes
 * the starts whose index is its own modulo the number of workers, so totals are exact whatever the remainders.
 */
export type LoadShape = ViewersShape | ArrivalsShape;

/** Closed model: a number of viewers, piecewise linear in time. */
export interface ViewersShape {
  readonly kind: 'viewers';
  readonly startViewers: number;
  readonly stages: readonly { readonly durationMs: number; readonly viewers: number }[];
}

/** Open model: a rate of new sessions, piecewise linear in time, that does not ask how the server is doing. */
export interface ArrivalsShape {
  readonly kind: 'arrivals';
  readonly startPerSecond: number;
  readonly stages: readonly { readonly durationMs: number; readonly perSecond: number }[];
  /** A start that would make more sessions than this at a time is dropped (and counted). */
  readonly maxViewers: number;
}

export interface LoadEvent {
  /** From the start of the cohort. */
  readonly atMs: number;
  readonly kind: 'start' | 'stop';
  /** Closed model: the slot. Open model: the number of the arrival. */
  readonly index: number;
}

/** The shape that an executor of a scenario stands for. */
export function loadShapeOf(cohort: ScenarioCohort): LoadShape {
  switch (cohort.executor) {
    case 'constant-viewers':
      return {
        kind: 'viewers',
        startViewers: 0,
        stages: [
          { durationMs: cohort.ramp, viewers: cohort.viewers },
          { durationMs: cohort.duration - cohort.ramp, viewers: cohort.viewers },
        ],
      };
    case 'ramping-viewers':
      return {
        kind: 'viewers',
        startViewers: cohort.startViewers,
        stages: cohort.stages.map(({ duration, target }) => ({ durationMs: duration, viewers: target })),
      };
    case 'constant-arrival-rate': {
      const perSecond = (cohort.rate * 1000) / cohort.timeUnit;
      return {
        kind: 'arrivals',
        startPerSecond: perSecond,
        stages: [{ durationMs: cohort.duration, perSecond }],
        maxViewers: cohort.maxViewers,
      };
    }
    case 'ramping-arrival-rate':
      return {
        kind: 'arrivals',
        startPerSecond: (cohort.startRate * 1000) / cohort.timeUnit,
        stages: cohort.stages.map(({ duration, target }) => ({
          durationMs: duration,
          perSecond: (target * 1000) / cohort.timeUnit,
        })),
        maxViewers: cohort.maxViewers,
      };
  }
}

/** How long the shape lasts. At its end every session that is still there is ended. */
export function shapeDurationMs(shape: LoadShape): number {
  return shape.stages.reduce((sum, stage) => sum + stage.durationMs, 0);
}

/** The most viewers that a shape asks for at a time; of the open model, its bound. */
export function mostViewers(shape: LoadShape): number {
  if (shape.kind === 'arrivals') return Math.min(shape.maxViewers, totalStarts(shape));
  return Math.max(shape.startViewers, ...shape.stages.map((stage) => stage.viewers));
}

/** Closed model: how many viewers there are at a time. 0 before the start and from the end on. */
export function viewersAt(shape: ViewersShape, elapsedMs: number): number {
  if (elapsedMs < 0 || elapsedMs >= shapeDurationMs(shape)) return 0;
  let from = shape.startViewers;
  let startMs = 0;
  for (const { durationMs, viewers: to } of shape.stages) {
    if (elapsedMs < startMs + durationMs) {
      const level = from + ((to - from) * (elapsedMs - startMs)) / durationMs;
      // Rising, a viewer comes as the level reaches the number of those before it; falling, it goes likewise.
      return to >= from ? Math.min(to, Math.floor(level) + 1) : Math.ceil(level);
    }
    startMs += durationMs;
    from = to;
  }
  return 0;
}

/** Open model: how many sessions were due to start by a time, that instant included. */
export function arrivalsBy(shape: ArrivalsShape, elapsedMs: number): number {
  if (elapsedMs < 0) return 0;
  let area = 0;
  let startMs = 0;
  let from = shape.startPerSecond;
  for (const { durationMs, perSecond: to } of shape.stages) {
    if (elapsedMs < startMs + durationMs) {
      const passedMs = elapsedMs - startMs;
      const rateNow = from + ((to - from) * passedMs) / durationMs;
      const areaNow = area + (((from + rateNow) / 2) * passedMs) / 1000;
      return Math.min(Math.floor(areaNow + EPSILON) + 1, ceilOf(area + stageArea(from, to, durationMs)));
    }
    area += stageArea(from, to, durationMs);
    startMs += durationMs;
    from = to;
  }
  return ceilOf(area);
}

/** All starts of a shape. The closed model's count those of a slot that is switched on again, too. */
export function totalStarts(shape: LoadShape): number {
  if (shape.kind === 'arrivals') return arrivalsBy(shape, Number.POSITIVE_INFINITY);
  let from = shape.startViewers;
  let total = from;
  for (const { viewers: to } of shape.stages) {
    total += Math.max(0, to - from);
    from = to;
  }
  return total;
}

/** Starts and stops in order of time, made one by one as they are asked for. */
export function* loadEvents(shape: LoadShape): Generator<LoadEvent, void, void> {
  yield* shape.kind === 'viewers' ? viewerEvents(shape) : arrivalEvents(shape);
}

function* viewerEvents(shape: ViewersShape): Generator<LoadEvent, void, void> {
  for (let slot = 0; slot < shape.startViewers; slot++) yield { atMs: 0, kind: 'start', index: slot };
  let from = shape.startViewers;
  let startMs = 0;
  for (const { durationMs, viewers: to } of shape.stages) {
    const perViewerMs = durationMs / Math.abs(to - from);
    for (let slot = from; slot < to; slot++)
      yield { atMs: startMs + (slot - from) * perViewerMs, kind: 'start', index: slot };
    for (let slot = from - 1; slot >= to; slot--)
      yield { atMs: startMs + (from - slot) * perViewerMs, kind: 'stop', index: slot };
    startMs += durationMs;
    from = to;
  }
}

function* arrivalEvents(shape: ArrivalsShape): Generator<LoadEvent, void, void> {
  let index = 0;
  let area = 0;
  let startMs = 0;
  let from = shape.startPerSecond;
  for (const { durationMs, perSecond: to } of shape.stages) {
    const areaAtEnd = area + stageArea(from, to, durationMs);
    const growth = durationMs === 0 ? 0 : ((to - from) * 1000) / durationMs;
    for (; index < areaAtEnd - EPSILON; index++) {
      // Solves from·t + growth·t²/2 = wanted for t, in the form that holds for growth 0 and for from 0.
      const wanted = Math.max(0, index - area);
      const rateThen = Math.sqrt(Math.max(0, from * from + 2 * growth * wanted));
      const seconds = wanted === 0 ? 0 : (2 * wanted) / (from + rateThen);
      yield { atMs: startMs + Math.min(durationMs, seconds * 1000), kind: 'start', index };
    }
    area = areaAtEnd;
    startMs += durationMs;
    from = to;
  }
}

/** Sums of fractions miss a whole number by less than this: 10 arrivals a second for a minute are 600 and not 601. */
const EPSILON = 1e-6;

function ceilOf(area: number): number {
  return Math.ceil(area - EPSILON);
}

/** Sessions that a stage brings. */
function stageArea(fromPerSecond: number, toPerSecond: number, durationMs: number): number {
  return (((fromPerSecond + toPerSecond) / 2) * durationMs) / 1000;
}
