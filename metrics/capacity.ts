/** The shapes of a capacity search's results: what `capacity.json` holds, and what its reports are made of. */
import type { ErrorSummary, GeneratorSummary, RunInfo, ServerSummary } from './summary.ts';
import type { ThresholdResult } from './threshold.ts';

/** Version of the shape of `capacity.json`. A change that a reader could stumble over raises the number. */
export const CAPACITY_SCHEMA = 'streamgauge.capacity/1';

/** What is raised: viewers at a time (closed model) or new sessions per second (open model). */
export type LoadKind = 'viewers' | 'arrival-rate';

/** `inconclusive`: the generator, not the server, was the limit. */
export type LevelVerdict = 'good' | 'bad' | 'inconclusive';

/** Why a load was held. */
export type LevelPurpose = 'start' | 'step up' | 'step down' | 'bisect' | 'confirm' | 'repeat';

/** How a search goes; see `fleet/capacity/search.ts`. Loads are whole multiples of `granule`. */
export interface SearchOptions {
  readonly start: number;
  readonly max: number;
  readonly granule: number;
  /** Factor: the next load is the last good one times this. Increment: plus this. */
  readonly step: { readonly kind: 'factor' | 'increment'; readonly by: number };
  /** The last good and the first bad load are to be no further apart. Share: of the good one. */
  readonly resolution: { readonly kind: 'share' | 'absolute'; readonly by: number };
  /** Results that must agree at both ends of the answer; 1: no repeat. */
  readonly agree: number;
  /** How often a load is held in which the generator was the limit: the machine may have been busy with something else. */
  readonly patience: number;
  /** A search that has held so many levels ends with what it knows. */
  readonly maxLevels: number;
}

/** Figures of one level; null: not measured. Starts are those of the whole level, everything else of its last, steady part. */
export interface LevelFigures {
  readonly firstFrameP50Ms: number | null;
  readonly firstFrameP95Ms: number | null;
  readonly latencyP50Ms: number | null;
  readonly latencyP95Ms: number | null;
  readonly stallRatio: number | null;
  readonly startFailureRatio: number | null;
  /** Mean number of viewers that were past their start. */
  readonly playing: number | null;
  /** All viewers together. */
  readonly receivedBps: number | null;
}

/** One load, held. */
export interface Level {
  /** From 1, in order of time. */
  readonly number: number;
  readonly load: number;
  readonly purpose: LevelPurpose;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Time at the load, after the ramp. */
  readonly heldMs: number;
  /** Figures had come to rest. */
  readonly steady: boolean;
  /** Why not, in one sentence; null: they had. */
  readonly unsteady: string | null;
  readonly verdict: LevelVerdict;
  /** What else than thresholds speaks against the level: one sentence each. */
  readonly objections: readonly string[];
  readonly thresholds: readonly ThresholdResult[];
  readonly figures: LevelFigures;
  readonly generator: GeneratorSummary;
  /** The server during the level, where it can be read. */
  readonly server: ServerSummary;
  readonly errors: readonly ErrorSummary[];
}

/** The load at which figures turn upwards. */
export interface Knee {
  readonly load: number;
  /** Of which figure. */
  readonly figure: keyof LevelFigures;
  readonly value: number;
}

/** Where the server ends, as seen at the lowest load that it did not carry. */
export interface Limit {
  readonly load: number;
  /** Crossed thresholds, the one furthest beyond its limit first. */
  readonly crossed: readonly ThresholdResult[];
  readonly objections: readonly string[];
  readonly shortage: Shortage | null;
}

/** A resource that had run out, or nearly. */
export interface Shortage {
  readonly of: 'server' | 'generator';
  readonly resource: string;
  /** 0–1 of what there is. */
  readonly used: number;
  /** One sentence. */
  readonly sentence: string;
}

/**
 * - `found`      the largest load that is carried, with one above it that is not
 * - `at-least`   the largest load that was allowed (`--max`) is carried
 * - `generator`  at least this; above it the generator, not the server, was the limit
 * - `none`       not even the smallest load is carried
 */
export type Outcome = 'found' | 'at-least' | 'generator' | 'none';

export interface Answer {
  readonly outcome: Outcome;
  /** The largest load that is carried; null: none. */
  readonly capacity: number | null;
  /** The largest load, up to the capacity, of which every result was good; null: there is none. */
  readonly low: number | null;
  /** The smallest load above the capacity of which every result was bad; null: not known, because nothing above was judged. */
  readonly high: number | null;
  /** high: every repeat agreed. medium: most did, or a level was not steady. low: it was not confirmed. */
  readonly confidence: 'high' | 'medium' | 'low';
  /** Why it is not high, one sentence each. */
  readonly doubts: readonly string[];
  /** Results at the capacity, and at the lowest bad load: how many there were and how many agree. */
  readonly repeats: {
    readonly good: { readonly agreed: number; readonly of: number };
    readonly bad: { readonly agreed: number; readonly of: number };
  };
  readonly knee: Knee | null;
  readonly limit: Limit | null;
}

/** `capacity.json`: written anew after each level, so that a search can be taken up again. */
export interface CapacityReport {
  readonly schema: typeof CAPACITY_SCHEMA;
  readonly run: RunInfo & {
    /** Time at work; breaks between a stop and `--resume` are not in it. */
    readonly durationMs: number;
  };
  readonly of: LoadKind;
  readonly state: 'searching' | 'stopped' | 'failed' | 'done';
  /** Why it failed. */
  readonly failure: string | null;
  /** null while it goes on. */
  readonly exitCode: number | null;
  /** `--require`: the load that has to be carried. */
  readonly require: number | null;
  readonly search: SearchOptions;
  readonly hold: HoldOptions;
  /** Media files of the scenario are found from here. */
  readonly folder: string;
  /** Of the scenario, thresholds and search: a search is only taken up again under the same. */
  readonly fingerprint: string;
  /** What is judged, `metric: expression`. */
  readonly thresholds: readonly string[];
  readonly levels: readonly Level[];
  /** What is known so far; final when `state` is `done`. */
  readonly answer: Answer | null;
}

/** How long a level is held. */
export interface HoldOptions {
  readonly rampMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** Steady: the last window agrees with the one before it. */
  readonly windowMs: number;
  /** No viewers for so long between levels. */
  readonly restMs: number;
}
