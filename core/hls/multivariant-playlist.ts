import type { StartPoint } from './media-playlist.ts';
import type { PlaylistViolation } from './violation.ts';

/** What a multivariant playlist says (RFC 8216bis, 4.4.6). URLs are absolute. */
export interface MultivariantPlaylist {
  readonly kind: 'multivariant';
  readonly url: string;
  readonly version: number;
  readonly independentSegments: boolean;
  readonly start: StartPoint | null;
  readonly variants: readonly Variant[];
  /** EXT-X-I-FRAME-STREAM-INF: for fast winding only. */
  readonly iFrameVariants: readonly Variant[];
  readonly renditions: readonly Rendition[];
  /** EXT-X-CONTENT-STEERING. */
  readonly steering: { readonly url: string; readonly pathway: string } | null;
  /** For EXT-X-DEFINE:IMPORT of its media playlists. */
  readonly variables: ReadonlyMap<string, string>;
  readonly violations: readonly PlaylistViolation[];
}

export interface Variant {
  readonly url: string;
  /** Peak bits per second; 0 where the server does not say, which it must. */
  readonly bandwidth: number;
  readonly averageBandwidth: number | null;
  readonly codecs: readonly string[];
  readonly width: number | null;
  readonly height: number | null;
  readonly frameRate: number | null;
  /** GROUP-ID of the renditions that go with it. */
  readonly audio: string | null;
  readonly video: string | null;
  readonly subtitles: string | null;
  readonly pathway: string;
  readonly score: number | null;
}

/** EXT-X-MEDIA. */
export interface Rendition {
  readonly type: 'audio' | 'video' | 'subtitles' | 'closed-captions';
  readonly groupId: string;
  readonly name: string;
  /** Null: it is in the variant's own stream. */
  readonly url: string | null;
  readonly language: string | null;
  readonly isDefault: boolean;
  readonly autoselect: boolean;
  readonly channels: string | null;
}
