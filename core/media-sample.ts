import type { AudioCodec, VideoCodec } from './media.ts';

/** What the muxers of segments (MPEG-TS, fragmented MP4) take: a track, and its access units one by one. */
export interface SampleTrack {
  readonly kind: 'video' | 'audio';
  readonly codec: VideoCodec | AudioCodec;
  /** avcC, hvcC, VP9's or AV1's record, AudioSpecificConfig, OpusHead; empty for codecs that have none (MP3). */
  readonly config: Uint8Array;
}

export interface MediaSample {
  readonly kind: 'video' | 'audio';
  /** Milliseconds, continuous where the 32-bit clock of FLV wraps. */
  readonly dtsMs: number;
  readonly ptsMs: number;
  /** Decoding can start here. True for all sound. */
  readonly key: boolean;
  /** To the next sample of its track: whoever cuts fragments learns it when that one comes. 0: not known yet. */
  durationMs: number;
  /** The access unit as FLV carries it: length-prefixed NAL units, or one frame of sound without a header of its own. */
  readonly data: Uint8Array;
}
