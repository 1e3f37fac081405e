import type { SessionOutcome, Viewer, ViewerOptions } from '../clients/viewer.ts';
import type { Clock } from '../core/clock.ts';
import type { Registry } from '../metrics/registry.ts';
import type { SessionRecord } from '../metrics/summary.ts';
import { watches } from './behaviour.ts';
import { type LoadEvent, loadEvents } from './load-shape.ts';
import type { FleetCohort, FleetPlan } from './plan.ts';
import { StreamChoice } from './popularity.ts';
import { SeriesObserver } from './series-observer.ts';
import { portionOf, type Share } from './share.ts';

/** One who came: has a seat, and a viewer in it; a zapper has one after the other. */
export interface Session {
  readonly run: CohortRun;
  readonly index: number;
  /** How many sessions this slot had before. */
  readonly generation: number;
  /** Lengths drawn for its parts so far (zaps, pauses). */
  turn: number;
  stream: number;
  viewer: Viewer;
  observer: SeriesObserver;
  /** In the list of sessions. */
  listed: boolean;
  /** Was past its start at the last sweep. */
  inFlow: boolean;
  /** It stalls since a second in which this thread was too busy. */
  doubtful: boolean;
  bytesAtSweep: number;
  left: boolean;
}

/** Of a session that is about to get its viewer. */
export const noViewer = {
  viewer: null as unknown as Viewer,
  observer: null as unknown as SeriesObserver,
  listed: false,
  inFlow: false,
  doubtful: false,
  bytesAtSweep: 0,
  left: false,
};

/** What a run of a cohort needs of its group's options. */
export interface CohortRunOptions {
  readonly plan: FleetPlan;
  readonly clock: Clock;
  readonly registry: Registry;
  /** Where the rest of stalls goes that began in a second in which this thread was too busy. */
  readonly apart?: Registry;
  readonly session: (record: SessionRecord) => void;
}

/** A cohort under way, as one worker has it. */
export class CohortRun {
  readonly cohort: FleetCohort;
  readonly index: number;
  readonly observers: readonly SeriesObserver[];
  readonly events: Iterator<LoadEvent, void, void>;
  /** Closed model: who is in which slot. */
  readonly slots = new Map<number, Session>();
  readonly choice: StreamChoice;
  /** Open model: this worker's share of the bound. */
  readonly maxViewers: number;
  startMs = 0;
  /** One of its events is in the queue. */
  eventToCome = true;
  /** Sessions that will go on by themselves at some time, even if they have failed. */
  toReturn = 0;
  /** For visitors that watch nothing. */
  readonly only: Pick<ViewerOptions, 'only'>;
  over = false;

  constructor(cohort: FleetCohort, index: number, options: CohortRunOptions, share: Share) {
    const { plan, registry, clock, session } = options;
    this.cohort = cohort;
    this.index = index;
    this.events = loadEvents(cohort.shape);
    const most = cohort.shape.kind === 'arrivals' ? cohort.shape.maxViewers : Number.POSITIVE_INFINITY;
    this.maxViewers = portionOf(most, share);
    const { streams, popularity = { kind: 'uniform' }, behaviour } = cohort;
    this.only = behaviour?.kind === 'connect-only' || behaviour?.kind === 'idle' ? { only: behaviour } : {};
    this.choice = new StreamChoice(streams.length, popularity, plan.seed, index);
    this.observers = cohort.streams.map(
      ({ protocol, name }) =>
        new SeriesObserver(
          registry,
          { protocol, stream: name, cohort: cohort.name },
          (outcome, { tags }) => session(recordOf(outcome, tags, clock.wallMs())),
          watches(behaviour),
          options.apart && { registry: options.apart, nowMs: () => clock.nowMs() },
        ),
    );
  }

  get active(): number {
    return this.observers.reduce((sum, observer) => sum + observer.active, 0);
  }
}

function recordOf(outcome: SessionOutcome, tags: SessionRecord['tags'], endedMs: number): SessionRecord {
  const { result, phase, reason, detail, lastedMs, figures } = outcome;
  return { startedMs: endedMs - lastedMs, tags, result, phase, reason, detail, figures };
}
