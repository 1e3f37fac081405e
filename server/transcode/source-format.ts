/** What a stream is, by its own codec set-up (the SPS), and by onMetaData where that says nothing. */
import { audioHead, readAudioHead } from '../../core/flv/audio-head.ts';
import { type Metadata, readMetadata } from '../../core/flv/metadata.ts';
import { readVideoHead, videoHead } from '../../core/flv/video-head.ts';
import { readAvcC } from '../../core/h264/avcc.ts';
import { readSps as readH264Sps } from '../../core/h264/sps.ts';
import { readHvcC } from '../../core/h265/hvcc.ts';
import { readSps as readH265Sps } from '../../core/h265/sps.ts';
import {
  type AudioCodec,
  TAG_AUDIO,
  TAG_SCRIPT,
  TAG_VIDEO,
  type TagSink,
  type TagType,
  type VideoCodec,
} from '../../core/media.ts';

export interface SourceFormat {
  readonly videoCodec: VideoCodec;
  /** Pixels shown. */
  readonly width: number;
  readonly height: number;
  /** null: not said. */
  readonly fps: number | null;
  /** null: no sound, or nothing of it came yet. */
  readonly audioCodec: AudioCodec | null;
}

/** So much of each tag is looked at: a set-up or the metadata is never longer. */
export const FORMAT_HEAD_BYTES = 16_384;

/** Watches the tags of a stream for what it is. Give its reader `headBytes: FORMAT_HEAD_BYTES`. */
export class FormatWatch implements TagSink {
  readonly #video = videoHead();
  readonly #audio = audioHead();
  #metadata: Metadata = {};
  #videoCodec: VideoCodec | null = null;
  #size: { readonly width: number; readonly height: number; readonly fps: number | null } | null = null;
  #audioCodec: AudioCodec | null = null;
  /** Pictures (access units) that came. */
  pictures = 0;
  /** Decode time of the newest picture, in the stream's milliseconds. */
  newestMs = 0;

  head(
    type: TagType,
    timestampMs: number,
    _bodyBytes: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (type === TAG_SCRIPT) this.#readScript(bytes, start, end);
    else if (type === TAG_AUDIO) {
      if (readAudioHead(bytes, start, end, this.#audio)) this.#audioCodec = this.#audio.codec;
    } else if (type === TAG_VIDEO && readVideoHead(bytes, start, end, this.#video)) {
      const { packet, codec, dataOffset } = this.#video;
      this.#videoCodec = codec;
      if (packet === 'config') this.#size = sizeOf(codec, bytes, start + dataOffset, end);
      else if (packet === 'frames') {
        this.pictures++;
        this.newestMs = timestampMs;
      }
    }
  }

  end(): void {}

  /** null: not known yet. */
  get format(): SourceFormat | null {
    if (this.#videoCodec === null) return null;
    const said = this.#metadata;
    const width = this.#size?.width ?? positive(said['width']);
    const height = this.#size?.height ?? positive(said['height']);
    if (width === null || height === null) return null;
    const fps = positive(said['framerate']) ?? this.#size?.fps ?? null;
    return { videoCodec: this.#videoCodec, width, height, fps, audioCodec: this.#audioCodec };
  }

  /** Whether the metadata says that there is no sound. */
  get saidToBeMute(): boolean {
    return 'videocodecid' in this.#metadata && !('audiocodecid' in this.#metadata);
  }

  #readScript(bytes: Uint8Array, start: number, end: number): void {
    try {
      this.#metadata = readMetadata(bytes, start, end) ?? this.#metadata;
    } catch {
      // Hearsay that cannot be read is no reason to refuse the pictures.
    }
  }
}

function sizeOf(codec: VideoCodec, bytes: Uint8Array, start: number, end: number) {
  try {
    if (codec === 'h264') {
      const sps = readAvcC(bytes, start, end).sps[0];
      return sps === undefined ? null : readH264Sps(sps);
    }
    if (codec === 'h265') {
      const sps = readHvcC(bytes, start, end).sps[0];
      return sps === undefined ? null : readH265Sps(sps);
    }
  } catch {
    // ffmpeg may be more lenient: the metadata says the size then.
  }
  return null;
}

function positive(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null;
}
