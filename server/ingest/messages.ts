import type { OriginOptions } from './origin-options.ts';
import type { IngestStats, StreamEvent } from './stats.ts';

export interface IngestPorts {
  readonly rtmpPort: number;
  readonly httpPort: number;
}

/** What the ingest process and its supervisor say to each other. */
export interface IngestTypes {
  readonly options: OriginOptions;
  readonly ready: IngestPorts;
  readonly stats: IngestStats;
  readonly event: StreamEvent;
  readonly note: never;
}
