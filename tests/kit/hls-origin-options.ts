import type { Container } from '../../core/hls/segment-muxer.ts';
import type { OriginEncryption } from './hls-encryption.ts';
import type { Misbehaviour } from './hls-misbehaviour.ts';
import type { HlsRendition } from './hls-rendition.ts';
import type { LiveMedia } from './live-media.ts';

export interface HlsOriginOptions {
  /** Default `knownMedia()`. */
  readonly media?: LiveMedia;
  /** Instead of `media`: a multivariant playlist of these. */
  readonly variants?: readonly OriginVariant[];
  readonly container?: Container;
  /** Default 1,000. */
  readonly segmentMs?: number;
  /** Low-latency HLS with parts of so many milliseconds. */
  readonly partMs?: number;
  /** Default `live`. */
  readonly type?: 'live' | 'event' | 'vod';
  readonly windowSegments?: number;
  /** Media that is there at the beginning, as if the stream had begun so much earlier (VOD: all of it). Default: five segments. */
  readonly historyMs?: number;
  readonly deltaUpdates?: boolean;
  /** Playlists are sent compressed to whoever takes that. */
  readonly gzip?: boolean;
  /** Media times at which timestamps leap, which makes a discontinuity. */
  readonly discontinuityAtMs?: readonly number[];
  /** Segments are encrypted; not with parts or byte ranges. */
  readonly aes128?: OriginEncryption;
  /** Four segments to a resource, each a byte range of it. Parts stay resources of their own. */
  readonly byteRanges?: boolean;
  /** Sequence numbers of segments that are not there and that the playlist marks with EXT-X-GAP. */
  readonly gaps?: readonly number[];
  /** So many redirects lead to each playlist that a player starts with. */
  readonly redirects?: number;
  /** What it does wrong from the beginning on; see `HlsOrigin.misbehaviour`. */
  readonly misbehave?: Misbehaviour;
}

export interface OriginVariant {
  readonly name: string;
  readonly media: LiveMedia;
  /** Peak bits per second, as the multivariant playlist says. */
  readonly bandwidth: number;
  readonly width?: number;
  readonly height?: number;
}

export interface OriginCounts {
  requests: number;
  /** TCP connections, ever. */
  connections: number;
  openConnections: number;
  playlists: number;
  segments: number;
  parts: number;
  inits: number;
  keys: number;
  redirects: number;
  notFound: number;
  /** Of bodies. */
  bytes: number;
}

export interface HlsOrigin {
  readonly port: number;
  /** Where a player starts. */
  readonly url: string;
  /** Of a variant's media playlist; of the only one without a name. */
  mediaUrl(variant?: string): string;
  readonly counts: Readonly<OriginCounts>;
  /** How often each path was asked for. */
  readonly paths: ReadonlyMap<string, number>;
  /** The requests in order: method and target. */
  readonly log: readonly string[];
  /** Wall clock at media time 0. */
  readonly startWallMs: number;
  /** May be changed at any time. */
  readonly misbehaviour: Misbehaviour;
  rendition(variant?: string): HlsRendition;
  /** The stream is over: EXT-X-ENDLIST. */
  end(): void;
  stop(): Promise<void>;
}
