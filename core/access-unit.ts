import type { AudioCodec, VideoCodec } from './media.ts';

/**
 * What the demuxers of segments (MPEG-TS, fragmented MP4) hand on: tracks, and the access units of each.
 * FLV and RTMP have tags of their own (`TagSink`); the idea is the same: look at the head, count the rest.
 */
export interface MediaTrack {
  /** The PID (TS) or track_ID (MP4): names the track within its stream. */
  readonly id: number;
  readonly kind: 'video' | 'audio';
  readonly codec: VideoCodec | AudioCodec;
  /** Bytes of the length before each NAL unit; 0 where there are start codes (Annex B) or no NAL units. */
  readonly nalLengthBytes: 0 | 1 | 2 | 4;
  /** Hz; 0 for video, and in TS until the first frame has told. */
  sampleRate: number;
  /** avcC, hvcC or AudioSpecificConfig, a copy; null in TS, which carries it in the stream. */
  readonly config: Uint8Array | null;
}

/**
 * Receives access units, in stream order. For each unit `head` is called once and then `end` once; between the two
 * there may be those of other tracks, because streams are interleaved, but never another of the same track.
 *
 * `head` comes as soon as the first `headBytes` (parser option; the whole unit if it is shorter) are there, `end` when the
 * last byte has been received. `bytes` belongs to the parser: it may not be kept or changed after `head` returns.
 * Times are those of the container in milliseconds with fractions, continuous where a 33-bit clock wraps.
 */
export interface AccessUnitSink {
  /** All tracks, at the first description of the stream and at each that differs from the one before. */
  tracks(tracks: readonly MediaTrack[]): void;
  head(
    track: MediaTrack,
    ptsMs: number,
    dtsMs: number,
    key: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void;
  /** `unitBytes` is the whole unit's length: TS does not tell it before. */
  end(track: MediaTrack, unitBytes: number): void;
}

/** A larger unit is refused before anything is kept of it. */
export const DEFAULT_MAX_UNIT_BYTES = 8 * 1024 * 1024;
