import type { Counters } from './hardening/counters.ts';

/** What the ingest process tells about itself; counters and times are since its start. */
export interface IngestStats extends Counters {
  readonly uptimeMs: number;
  /** User and system time together. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** Sockets that publish, play, or have not said yet. */
  readonly connections: number;
  readonly viewers: number;
  /** `rtmp`, `http-flv`, `ws-flv`: what other parts of the stack pull is among them. */
  readonly viewersByProtocol: Readonly<Record<string, number>>;
  /** The largest of all viewers' backlogs, now. */
  readonly largestBacklogBytes: number;
  readonly streams: readonly StreamStats[];
}

export interface StreamStats {
  /** `live/room`, as in its URLs. */
  readonly name: string;
  readonly state: 'publishing' | 'reconnecting';
  readonly publisher: { readonly id: string; readonly peer: string; readonly transport: string };
  /** null: no such track, or nothing of it came yet. */
  readonly videoCodec: string | null;
  readonly audioCodec: string | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly fps: number | null;
  readonly bytesIn: number;
  readonly uptimeMs: number;
  readonly viewers: number;
}

/** A stream came or went; a publisher that was refused is neither. */
export interface StreamEvent {
  readonly kind: 'published' | 'unpublished';
  /** `live/room`. */
  readonly stream: string;
}
