import type { IngestStats, StreamEvent } from '../ingest/stats.ts';
import type { LadderStats } from '../transcode/stats.ts';
import type { DeliverOptions } from './deliver-options.ts';
import type { RequestKind } from './traffic.ts';

/** What the deliver process tells about itself; counters and times are since its start. */
export interface DeliverStats {
  readonly uptimeMs: number;
  /** User and system time together. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  readonly connections: number;
  readonly viewers: number;
  /** Media that is kept, of all streams. */
  readonly mediaBytes: number;
  readonly pullFailures: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly requests: Readonly<Record<RequestKind, number>>;
  readonly refusals: Readonly<Record<string, number>>;
  readonly streams: readonly DeliverStreamStats[];
}

export interface DeliverStreamStats {
  readonly name: string;
  readonly state: 'live' | 'interrupted' | 'ended';
  readonly viewers: number;
  readonly mediaBytes: number;
  readonly bytesIn: number;
  readonly segments: number;
  /** Requests that are held until something is there. */
  readonly waiting: number;
  readonly fps: number | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly codecs: readonly string[];
  /** Bits per second; null before the first segment. */
  readonly bandwidth: number | null;
  /** Codecs that came and that a container has no place for. */
  readonly leftOut: readonly string[];
}

/** What the stack knows of its other parts, said every other second. */
export interface PartsNote {
  readonly kind: 'parts';
  /** Null while it is down. */
  readonly ingest: IngestStats | null;
  /** By part. */
  readonly restarts: Readonly<Record<string, number>>;
  readonly ladders: readonly LadderStats[];
}

export type DeliverNote =
  | PartsNote
  | { readonly kind: 'stream'; readonly event: StreamEvent }
  /** All that are published: said when it starts. */
  | { readonly kind: 'streams'; readonly published: readonly string[] };

/** What the deliver process and its supervisor say to each other. */
export interface DeliverTypes {
  readonly options: DeliverOptions;
  readonly ready: { readonly port: number };
  readonly stats: DeliverStats;
  readonly event: never;
  readonly note: DeliverNote;
}
