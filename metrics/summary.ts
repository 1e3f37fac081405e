/** The shapes of a run's results: what `summary.json` holds, and what sinks are given. */
import type { Reason, Tags } from './catalogue.ts';
import type { MetricSummary } from './registry.ts';
import type { BusyCause, Shortage } from './shortage.ts';
import type { ThresholdResult } from './threshold.ts';

/** Version of the shape of `summary.json`. A change that a reader could stumble over raises the number. */
export const SCHEMA = 'streamgauge.summary/1';

export type Verdict = 'pass' | 'fail' | 'inconclusive' | 'error';

/** The machine that generated the load. */
export interface HostInfo {
  readonly name: string;
  /** `linux x64`, with release where known. */
  readonly os: string;
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly node: string;
}

/** What is known when a run begins. */
export interface RunInfo {
  readonly id: string;
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Of streamgauge. */
  readonly version: string;
  readonly host: HostInfo;
  /** What was tested: URLs without secrets, or `reference stack`. */
  readonly target?: string;
  /** One process of several that shared the run (`number` from 1); left out: the whole. */
  readonly shard?: { readonly number: number; readonly count: number };
  /** Other facts that a reader may want: ffmpeg's version, the server's, the command. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The resolved scenario, written to `scenario.json`. */
  readonly scenario?: unknown;
}

/** Figures of one viewer session (the clients' `SessionFigures`). null: it never came to that. */
export interface SessionFigures {
  readonly connectMs: number | null;
  readonly firstByteMs: number | null;
  readonly firstFrameMs: number | null;
  readonly startupMs: number | null;
  readonly joinLagMs: number | null;
  readonly stallCount: number;
  readonly stallCountPlayer: number;
  readonly stallMs: number;
  readonly watchedMs: number;
  readonly playingMs: number;
  readonly bytesReceived: number;
  readonly mediaMs: number;
  readonly frames: number;
  readonly framesMissing: number;
  readonly reconnects: number;
}

/** One viewer session that is over. Structured-clone-able. */
export interface SessionRecord {
  /** Wall-clock milliseconds since the epoch of the intended start. */
  readonly startedMs: number;
  /** `protocol`, `stream`, `cohort` … of its series. */
  readonly tags: Tags;
  readonly result: 'ended' | 'failed';
  readonly phase: 'before-first-frame' | 'after-first-frame';
  readonly reason: Reason | null;
  /** One clear sentence. */
  readonly detail: string;
  readonly figures: SessionFigures;
}

/** The generator about itself: whether the figures may be believed. */
export interface GeneratorSummary {
  readonly valid: boolean;
  /** Why not, one sentence each. */
  readonly reasons: readonly string[];
  /** Highest one-second CPU of a worker; 1 is one core. null: not measured. */
  readonly cpu: number | null;
  /** p99 of the event loop's lag over the run. */
  readonly eventLoopLagMs: number | null;
  /** Worker-seconds, and how many of them were marked as invalid. */
  readonly seconds: number;
  readonly invalidSeconds: number;
  readonly droppedStarts: number;
  readonly workers?: number;
  /** What makes it not valid: the resources that were short. */
  readonly shortOf?: readonly Shortage[];
  /** Invalid worker-seconds by what the thread was short of. */
  readonly busySeconds?: { readonly [cause in BusyCause]?: number };
  /** Most open file descriptors over their limit; most bytes that waited in sockets. null: not known. */
  readonly fdUsedRatio?: number | null;
  readonly socketBacklogBytes?: number | null;
  /** What viewers received over what their streams offered. */
  readonly expectedBytesRatio?: number | null;
  /** The clock that stamps were compared with. null: what its clock said against the publishers' is not known. */
  readonly clock?: ClockSummary | null;
  /** Latencies and stalls of the invalid seconds: kept apart from `metrics`, and not believed. */
  readonly apart?: readonly MetricSummary[];
}

/** This machine's clock against the one that latencies are measured by. */
export interface ClockSummary {
  /** Positive: this machine's is ahead. */
  readonly offsetMs: number;
  /** The true offset is within this of it. */
  readonly boundMs: number;
  /** In words: `publishers on this machine`, `chrony`, `NTP server ntp.example`. */
  readonly source: string;
}

/** The tested server where it can be read. */
export interface ServerSummary {
  readonly [figure: string]: number | string | null;
}

export interface FaultSummary {
  /** Milliseconds after the run's start. */
  readonly atMs: number;
  readonly kind: string;
  readonly detail: string;
  readonly durationMs?: number;
}

/** One kind of error, counted, with one example in words. */
export interface ErrorSummary {
  readonly code: string;
  readonly count: number;
  readonly example: string;
}

/** `summary.json`. */
export interface Summary {
  readonly schema: typeof SCHEMA;
  readonly run: RunInfo & { readonly durationMs: number };
  readonly verdict: Verdict;
  readonly exitCode: number;
  readonly metrics: readonly MetricSummary[];
  readonly thresholds: readonly ThresholdResult[];
  readonly generator: GeneratorSummary;
  readonly server: ServerSummary;
  readonly faults: readonly FaultSummary[];
  readonly errors: readonly ErrorSummary[];
}
