import type { Clock } from '../core/clock.ts';
import { audioHead, readAudioHead } from '../core/flv/audio-head.ts';
import { type Metadata, readMetadata } from '../core/flv/metadata.ts';
import { readVideoHead, videoHead } from '../core/flv/video-head.ts';
import { readAvcC } from '../core/h264/avcc.ts';
import { readSps as readH264Sps, type Sps } from '../core/h264/sps.ts';
import { readHvcC } from '../core/h265/hvcc.ts';
import { readSps as readH265Sps } from '../core/h265/sps.ts';
import {
  type AudioCodec,
  ProtocolError,
  TAG_AUDIO,
  TAG_SCRIPT,
  TAG_VIDEO,
  type TagSink,
  type TagType,
  type VideoCodec,
} from '../core/media.ts';
import { codecNumbers, type MetricName } from '../metrics/catalogue.ts';

/** What a stream is, as far as its headers say. */
export interface StreamFacts {
  videoCodec: VideoCodec | null;
  /** From the sequence parameter set: what the pictures really are. */
  picture: Pick<Sps, 'profile' | 'level' | 'codecString' | 'width' | 'height' | 'fps'> | null;
  audioCodec: AudioCodec | null;
  /** What onMetaData claims: hearsay, to be compared with what is measured. */
  declared: { width: number | null; height: number | null; fps: number | null; bitrateBps: number | null };
}

/** What was counted. Times are media time. */
export interface StreamCounts {
  videoFrames: number;
  audioFrames: number;
  keyFrames: number;
  mediaBytes: number;
  /** From the first tag's timestamp to the last one's; jumps are not counted. */
  mediaMs: number;
  backwards: number;
  gaps: number;
}

/** Takes one sample of a stream metric. */
export type RecordSample = (metric: MetricName, value: number) => void;

/** A step between neighbouring timestamps of a track that is longer than this is a gap, not a slow stream. */
export const GAP_MS = 1_000;
/** Head of a tag that the inspector wants: codec configurations and onMetaData fit, pictures need a few bytes. */
export const INSPECTED_HEAD_BYTES = 4_096;

/**
 * Looks at every tag of one stream and records the `stream` metrics of the catalogue that timing and headers can
 * tell: fps, GOP, key-frame interval, size, codec, timestamps, audio against video, bitrate against the declared one.
 */
export class StreamInspector implements TagSink {
  readonly facts: StreamFacts = {
    videoCodec: null,
    picture: null,
    audioCodec: null,
    declared: { width: null, height: null, fps: null, bitrateBps: null },
  };
  readonly counts: StreamCounts = {
    videoFrames: 0,
    audioFrames: 0,
    keyFrames: 0,
    mediaBytes: 0,
    mediaMs: 0,
    backwards: 0,
    gaps: 0,
  };
  /** Header records that could not be read, in words; at most ten are kept. */
  readonly complaints: string[] = [];

  readonly #clock: Clock;
  readonly #record: RecordSample;
  readonly #video = videoHead();
  readonly #audio = audioHead();
  #pending: 'key' | 'inter' | 'audio' | null = null;
  #timestampMs = 0;
  #lastVideoMs: number | null = null;
  #lastAudioMs: number | null = null;
  #lastKey: { timestampMs: number; arrivedMs: number } | null = null;
  #framesAtSweep = 0;
  #sweptMs: number | null = null;

  constructor(clock: Clock, record: RecordSample) {
    this.#clock = clock;
    this.#record = record;
  }

  head(
    type: TagType,
    timestampMs: number,
    bodyBytes: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#pending = null;
    this.#timestampMs = timestampMs;
    if (type !== TAG_SCRIPT) this.counts.mediaBytes += bodyBytes;
    try {
      if (type === TAG_SCRIPT) {
        // Other script tags are not for players; one that is longer than what is looked at is not broken.
        if (end - start === bodyBytes && isAboutMedia(bytes, start, end))
          this.#seeMetadata(readMetadata(bytes, start, end));
      } else if (type === TAG_VIDEO) this.#seeVideo(bytes, start, end);
      else if (type === TAG_AUDIO) this.#seeAudio(bytes, start, end);
    } catch (error) {
      // A broken header is a finding about the stream, not the end of looking at it.
      if (!(error instanceof ProtocolError)) throw error;
      if (this.complaints.length < 10) this.complaints.push(`${error.code}: ${error.message}`);
    }
  }

  end(): void {
    const arrivedMs = this.#clock.nowMs();
    if (this.#pending === 'audio') {
      this.counts.audioFrames += 1;
      this.#step(this.#lastAudioMs);
      this.#lastAudioMs = this.#timestampMs;
    } else if (this.#pending !== null) {
      this.counts.videoFrames += 1;
      const stepMs = this.#step(this.#lastVideoMs);
      this.counts.mediaMs += stepMs ?? 0;
      // Over a jump of the timestamps there is no telling how long the group of pictures was.
      if (stepMs === null) this.#lastKey = null;
      this.#lastVideoMs = this.#timestampMs;
      if (this.#lastAudioMs !== null) this.#record('av_offset_ms', this.#lastAudioMs - this.#timestampMs);
      if (this.#pending === 'key') this.#seeKeyFrame(arrivedMs);
    }
    this.#pending = null;
  }

  /** Once a second: the figures that are a rate. */
  sweep(nowMs: number): void {
    // The second with the first frame does not count: it is cut short, or holds all that the server had kept at once.
    if (this.#sweptMs !== null && this.#framesAtSweep > 0) {
      const seconds = (nowMs - this.#sweptMs) / 1_000;
      if (seconds > 0.5) this.#record('fps', (this.counts.videoFrames - this.#framesAtSweep) / seconds);
    }
    this.#framesAtSweep = this.counts.videoFrames;
    this.#sweptMs = nowMs;
  }

  /** Once, at the end: the figures that need the whole. */
  finish(): void {
    const { declared, picture, videoCodec } = this.facts;
    if (picture) {
      this.#record('width', picture.width);
      this.#record('height', picture.height);
    }
    if (videoCodec) this.#record('codec', codecNumbers[videoCodec]);
    const bps = this.measuredBps;
    if (bps !== null && declared.bitrateBps !== null && declared.bitrateBps > 0) {
      this.#record('declared_bitrate_error', bps / declared.bitrateBps - 1);
    }
  }

  /** Media bits per second of media time; null before two seconds of it, which say too little. */
  get measuredBps(): number | null {
    const { mediaBytes, mediaMs } = this.counts;
    return mediaMs < 2_000 ? null : (mediaBytes * 8_000) / mediaMs;
  }

  #seeMetadata(metadata: Metadata | null): void {
    if (metadata === null) return;
    const number = (name: string): number | null => {
      const value = metadata[name];
      return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null;
    };
    const video = number('videodatarate');
    const audio = number('audiodatarate');
    this.facts.declared = {
      width: number('width'),
      height: number('height'),
      fps: number('framerate'),
      // E.5: kilobits per second.
      bitrateBps: video === null ? null : (video + (audio ?? 0)) * 1_000,
    };
  }

  #seeVideo(bytes: Uint8Array, start: number, end: number): void {
    if (!readVideoHead(bytes, start, end, this.#video)) return;
    const { codec, packet, frame, dataOffset } = this.#video;
    this.facts.videoCodec = codec;
    if (packet === 'config') this.facts.picture = readPicture(codec, bytes, start + dataOffset, end);
    else if (packet === 'frames') this.#pending = frame === 'key' ? 'key' : 'inter';
  }

  #seeAudio(bytes: Uint8Array, start: number, end: number): void {
    if (!readAudioHead(bytes, start, end, this.#audio)) return;
    this.facts.audioCodec = this.#audio.codec;
    if (this.#audio.packet === 'frames') this.#pending = 'audio';
  }

  #seeKeyFrame(arrivedMs: number): void {
    this.counts.keyFrames += 1;
    if (this.#lastKey) {
      this.#record('gop_ms', (this.#timestampMs - this.#lastKey.timestampMs) | 0);
      this.#record('keyframe_interval_ms', arrivedMs - this.#lastKey.arrivedMs);
    }
    this.#lastKey = { timestampMs: this.#timestampMs, arrivedMs };
  }

  /** Judges the step from the track's last timestamp; returns how much media time passed by it, null if it is a jump. */
  #step(lastMs: number | null): number | null {
    if (lastMs === null) return 0;
    // Timestamps are 32 bits wide and wrap after 49.7 days: `| 0` takes the shorter way round.
    const stepMs = (this.#timestampMs - lastMs) | 0;
    if (stepMs < 0) {
      this.counts.backwards += 1;
      this.#record('timestamp_backwards', 1);
      return null;
    }
    if (stepMs > GAP_MS) {
      this.counts.gaps += 1;
      this.#record('timestamp_gap_ms', stepMs);
      return null;
    }
    return stepMs;
  }
}

/** Whether a script tag is onMetaData, as it is or wrapped in @setDataFrame. */
function isAboutMedia(bytes: Uint8Array, start: number, end: number): boolean {
  return String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 32))).includes('onMetaData');
}

function readPicture(
  codec: VideoCodec,
  bytes: Uint8Array,
  start: number,
  end: number,
): StreamFacts['picture'] {
  if (codec === 'h264') {
    const sps = readAvcC(bytes, start, end).sps[0];
    return sps ? readH264Sps(sps) : null;
  }
  if (codec === 'h265') {
    const sps = readHvcC(bytes, start, end).sps[0];
    return sps ? readH265Sps(sps) : null;
  }
  return null;
}
