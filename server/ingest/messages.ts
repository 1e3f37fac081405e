import type { ViewerCounts } from '../gate/limits.ts';
import type { TlsMaterial } from '../gate/tls.ts';
import type { OriginOptions } from './origin-options.ts';
import type { IngestStats, StreamEvent } from './stats.ts';

export interface IngestPorts {
  readonly rtmpPort: number;
  readonly httpPort: number;
  /** undefined: there is no such listener. */
  readonly rtmpsPort?: number | undefined;
  readonly httpsPort?: number | undefined;
}

/** What the ingest process is told while it runs. */
export type IngestNote =
  /** For connections from now on. */
  | { readonly kind: 'tls'; readonly tls: TlsMaterial }
  /** Viewers that other processes serve: limits are for all together. */
  | { readonly kind: 'viewers-elsewhere'; readonly counts: ViewerCounts };

/** Its own viewers, about once a second while there are limits on them and they change. */
export interface ViewersEvent {
  readonly kind: 'viewers';
  readonly counts: ViewerCounts;
}

/** What the ingest process and its supervisor say to each other. */
export interface IngestTypes {
  readonly options: OriginOptions;
  readonly ready: IngestPorts;
  readonly stats: IngestStats;
  readonly event: StreamEvent | ViewersEvent;
  readonly note: IngestNote;
}
