import type { MediaSample, SampleTrack } from '../media-sample.ts';
import { Mp4Muxer } from '../mp4/muxer.ts';
import { isMp4Codec } from '../mp4/sample-entry.ts';
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
export function carries(container: Container, codec: SampleTrack['codec']): boolean {
  return container === 'ts' ? isTsCodec(codec) : isMp4Codec(codec);
}

/** `first` has a key picture and a sound, as far as there are such, to learn from what configurations do not say. Throws a `ProtocolError` if a track's configuration cannot be read. */
export function createSegmentMuxer(
  container: Container,
  tracks: readonly SampleTrack[],
  first: readonly MediaSample[],
): SegmentMuxer {
  if (container === 'ts') {
    const muxer = new TsMuxer(tracks);
    return { init: null, mux: (samples, begins) => muxer.mux(samples, begins) };
  }
  const muxer = new Mp4Muxer(tracks, first);
  return { init: muxer.init, mux: (samples) => muxer.mux(samples) };
}
