import type { MediaSample, SampleTrack } from '../media-sample.ts';
import { isTsCodec, TsMuxer } from '../mpegts/muxer.ts';

/** Makes the bytes of parts and segments. One for each stretch between two discontinuities. */
export interface SegmentMuxer {
  /** Init segment; null where segments need none. */
  readonly init: Uint8Array | null;
  /** The samples of one part. A player can begin with it if `begins` is set. */
  mux(samples: readonly MediaSample[], begins: boolean): Uint8Array;
}

export type Container = 'ts' | 'fmp4';

/** Whether segments of this container have a place for the codec. */
export function carries(_container: Container, codec: SampleTrack['codec']): boolean {
  return isTsCodec(codec);
}

/** Throws a `ProtocolError` if a track's configuration cannot be read. */
export function createSegmentMuxer(_container: Container, tracks: readonly SampleTrack[]): SegmentMuxer {
  const muxer = new TsMuxer(tracks);
  return { init: null, mux: (samples, begins) => muxer.mux(samples, begins) };
}
