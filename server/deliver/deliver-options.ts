import type { Container } from '../../core/hls/segment-muxer.ts';
import type { GateOptions, LimitOptions } from '../gate/gate-options.ts';
import type { TlsMaterial } from '../gate/tls.ts';
import type { PlayerFiles } from '../player-page/player-files.ts';

/** Everything the deliver process can be told; `server/config.ts` documents each for users. */
export interface DeliverOptions {
  readonly host: string;
  /** 0: chosen by the system. */
  readonly port: number;
  /** Where streams come from: `http://127.0.0.1:8000`. */
  readonly ingestUrl: string;
  /** Whether viewers need a signed URL, which pages may play; this process, too, asks the ingest with a signature. */
  readonly gate: GateOptions;
  /** Of viewers by HLS: those of other protocols are counted where they are served. */
  readonly limits: LimitOptions;
  /** Names of rungs, without the source's: `720p` for `live/room_720p`. */
  readonly rungs: readonly string[];
  /** What parts of the stack sign with when they ask each other. */
  readonly internalSecret?: string | undefined;
  /** PEM texts. Set: HTTPS only. */
  readonly tls?: TlsMaterial | undefined;
  /** Set: there is a JSON API for who knows it. */
  readonly apiToken?: string | undefined;
  /** Set: there is a player page at `/player/`. */
  readonly player?: { readonly files: PlayerFiles; readonly flvPort: number } | undefined;
  readonly hls: HlsOptions;
  readonly maxStreams: number;
  /** Bytes of media kept for one stream, and for all. */
  readonly maxStreamBytes: number;
  readonly maxBytes: number;
  /** How long a stream without a publisher is taken for interrupted, not for ended. */
  readonly republishGraceMs: number;
  /** How long an ended stream can still be had. */
  readonly keepEndedMs: number;
  /** An ingest that sends nothing for so long is asked anew. */
  readonly pullIdleMs: number;
  readonly maxConnections: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveMs: number;
  /** How long an answer may take to be read. */
  readonly sendTimeoutMs: number;
  /** How long answers under way are waited for at the end. */
  readonly drainMs: number;
}

export interface HlsOptions {
  /** `index.m3u8` is the first. */
  readonly containers: readonly Container[];
  readonly segmentMs: number;
  /** Parts of low-latency HLS; 0: none. */
  readonly partMs: number;
  readonly windowSegments: number;
  readonly encrypt: boolean;
  /** A new key after so many segments. */
  readonly segmentsPerKey: number;
}

export const defaultDeliverOptions: DeliverOptions = {
  host: '127.0.0.1',
  port: 0,
  ingestUrl: 'http://127.0.0.1:8000',
  gate: {},
  limits: {},
  rungs: ['1080p', '720p', '480p', '360p', '240p', 'audio'],
  hls: {
    containers: ['fmp4', 'ts'],
    segmentMs: 2_000,
    partMs: 330,
    windowSegments: 6,
    encrypt: false,
    segmentsPerKey: 10,
  },
  maxStreams: 200,
  maxStreamBytes: 64 * 1024 * 1024,
  maxBytes: 1024 * 1024 * 1024,
  republishGraceMs: 15_000,
  keepEndedMs: 60_000,
  pullIdleMs: 20_000,
  maxConnections: 20_000,
  requestTimeoutMs: 10_000,
  keepAliveMs: 30_000,
  sendTimeoutMs: 30_000,
  drainMs: 2_000,
};
