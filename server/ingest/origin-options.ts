/** Everything the ingest process can be told; `server/config.ts` documents each for users. */
export interface OriginOptions {
  readonly host: string;
  /** 0: chosen by the system. */
  readonly rtmpPort: number;
  readonly httpPort: number;
  /** Set: publishers need a signed URL. */
  readonly publishSecret?: string | undefined;
  /** Set: viewers need a signed URL. */
  readonly playSecret?: string | undefined;
  readonly maxViewerBacklogBytes: number;
  readonly maxConnections: number;
  readonly maxMessageBytes: number;
  readonly publishGraceMs: number;
  readonly publisherIdleMs: number;
  readonly requestTimeoutMs: number;
  readonly audioHoldMs: number;
  readonly gopCache: boolean;
}

export const defaultOriginOptions: OriginOptions = {
  host: '127.0.0.1',
  rtmpPort: 0,
  httpPort: 0,
  maxViewerBacklogBytes: 8 * 1024 * 1024,
  maxConnections: 20_000,
  maxMessageBytes: 8 * 1024 * 1024,
  publishGraceMs: 500,
  publisherIdleMs: 15_000,
  requestTimeoutMs: 10_000,
  audioHoldMs: 40,
  gopCache: true,
};
