import { type MediaTag, TAG_AUDIO, TAG_VIDEO } from '../media.ts';
import type { MediaSample, SampleTrack } from '../media-sample.ts';
import { audioHead, readAudioHead } from './audio-head.ts';
import { readVideoHead, videoHead } from './video-head.ts';

/** What a tag holds for a muxer. `track` alone: a configuration. */
export interface TagContent {
  /** `config` is empty in a sample's: it came before. */
  readonly track: SampleTrack;
  readonly sample: MediaSample | null;
}

const NO_CONFIG = new Uint8Array(0);

/** Unwraps tags into tracks and samples, whose data are views of the tags' bodies. One per stream: it unrolls the clock. */
export class TagSamples {
  readonly #video = videoHead();
  readonly #audio = audioHead();
  #lastRaw = 0;
  #lastMs = Number.NaN;

  /** Null: a script, a codec that is not known, an end of sequence, or a tag too short to say. */
  read({ type, timestampMs, body }: MediaTag): TagContent | null {
    if (type === TAG_VIDEO) {
      const head = this.#video;
      if (!readVideoHead(body, 0, body.length, head)) return null;
      const data = body.subarray(head.dataOffset);
      if (head.packet === 'config')
        return { track: { kind: 'video', codec: head.codec, config: data }, sample: null };
      if (head.packet !== 'frames' || data.length === 0) return null;
      const dtsMs = this.#unroll(timestampMs);
      const key = head.frame === 'key';
      const ptsMs = dtsMs + head.compositionMs;
      return {
        track: { kind: 'video', codec: head.codec, config: NO_CONFIG },
        sample: { kind: 'video', dtsMs, ptsMs, key, durationMs: 0, data },
      };
    }
    if (type !== TAG_AUDIO || !readAudioHead(body, 0, body.length, this.#audio)) return null;
    const { packet, codec, dataOffset } = this.#audio;
    const data = body.subarray(dataOffset);
    if (packet === 'config') return { track: { kind: 'audio', codec, config: data }, sample: null };
    if (packet !== 'frames' || data.length === 0) return null;
    const dtsMs = this.#unroll(timestampMs);
    return {
      track: { kind: 'audio', codec, config: NO_CONFIG },
      sample: { kind: 'audio', dtsMs, ptsMs: dtsMs, key: true, durationMs: 0, data },
    };
  }

  /** The 32-bit clock wraps after 49.7 days; sound and pictures are a little apart, so either way is the shorter one. */
  #unroll(timestampMs: number): number {
    this.#lastMs = Number.isNaN(this.#lastMs)
      ? timestampMs
      : this.#lastMs + ((timestampMs - this.#lastRaw) | 0);
    this.#lastRaw = timestampMs;
    return this.#lastMs;
  }
}
