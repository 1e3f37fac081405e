import type { GateOptions, LimitOptions } from '../gate/gate-options.ts';
import type { TlsMaterial } from '../gate/tls.ts';

/** Everything the ingest process can be told; `server/config.ts` documents each for users. */
export interface OriginOptions extends GateOptions {
  readonly host: string;
  /** 0: chosen by the system. */
  readonly rtmpPort: number;
  readonly httpPort: number;
  /** Set: RTMPS and HTTPS (with WSS) are listened for too, on the ports that follow. */
  readonly tls?: TlsMaterial | undefined;
  readonly rtmpsPort?: number | undefined;
  readonly httpsPort?: number | undefined;
  readonly limits?: LimitOptions | undefined;
  /** Signs what the other parts of the stack ask for: they are neither counted nor limited. */
  readonly internalSecret?: string | undefined;
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
