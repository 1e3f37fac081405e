/** Which rungs a source gets: capped by its size, never enlarged. */
import { readBitrate } from './bitrate.ts';
import { AUDIO_RUNG, rungStream } from './rung-names.ts';
import type { SourceFormat } from './source-format.ts';
import { type RungOptions, rungName, type TranscodeOptions } from './transcode-options.ts';

export interface VideoRung {
  readonly name: string;
  /** `live/room_720p`. */
  readonly stream: string;
  readonly width: number;
  readonly height: number;
  /** Bits per second. */
  readonly videoBitrate: number;
  /** null: as many as the source has. */
  readonly fps: number | null;
  /** null: the source's own sound. */
  readonly audioBitrate: number | null;
}

export interface AudioRung {
  readonly name: string;
  readonly stream: string;
}

export interface LadderPlan {
  readonly video: readonly VideoRung[];
  readonly audio: AudioRung | null;
  /** What was configured and is not made, and why. */
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[];
}

/** Bits of a picture's pixel: what video of people at veryfast needs at 720p; smaller pictures need more for each. */
const BITS_PER_PIXEL = 0.09;
const REFERENCE_PIXELS = 1280 * 720;
const MIN_BITRATE = 100_000;
const AUDIO_BITRATE = 128_000;
/** What FLV of every player takes; other sound is encoded anew. */
const carriedAudio = new Set(['aac', 'mp3']);

/** @param stream `live/room` */
export function planLadder(
  stream: string,
  source: SourceFormat,
  options: Pick<TranscodeOptions, 'rungs' | 'audioOnly'>,
): LadderPlan {
  const video: VideoRung[] = [];
  const leftOut: { name: string; reason: string }[] = [];
  const shortSide = Math.min(source.width, source.height);
  for (const rung of options.rungs) {
    const name = rungName(rung);
    const path = rungStream(stream, name);
    if (path === null) leftOut.push({ name, reason: 'its name would have more than 128 characters' });
    // One line more or less is the rounding of an encoder.
    else if (rung.height > shortSide + 1)
      leftOut.push({
        name,
        reason: `the source is ${source.width}x${source.height}, and nothing is enlarged`,
      });
    else video.push(planRung(name, path, rung, source, shortSide));
  }
  return { video, audio: planAudio(stream, source, options.audioOnly, leftOut), leftOut };
}

function planRung(
  name: string,
  stream: string,
  rung: RungOptions,
  source: SourceFormat,
  shortSide: number,
): VideoRung {
  // 4:2:0 has its colours in squares of two by two.
  const even = (pixels: number) => Math.max(2, 2 * Math.round(pixels / 2));
  const scale = Math.min(1, rung.height / shortSide);
  const width = even(source.width * scale);
  const height = even(source.height * scale);
  const fps = rung.fps !== undefined && (source.fps === null || rung.fps < source.fps) ? rung.fps : null;
  return {
    name,
    stream,
    width,
    height,
    videoBitrate:
      rung.bitrate === undefined
        ? usualBitrate(width, height, fps ?? source.fps ?? 30)
        : readBitrate(rung.bitrate),
    fps,
    audioBitrate: audioBitrateOf(rung, source),
  };
}

function audioBitrateOf(rung: RungOptions, { audioCodec }: SourceFormat): number | null {
  if (rung.audioBitrate !== undefined) return readBitrate(rung.audioBitrate);
  return audioCodec === null || carriedAudio.has(audioCodec) ? null : AUDIO_BITRATE;
}

function planAudio(
  stream: string,
  { audioCodec }: SourceFormat,
  wanted: boolean,
  leftOut: { name: string; reason: string }[],
): AudioRung | null {
  if (!wanted) return null;
  const path = rungStream(stream, AUDIO_RUNG);
  if (path !== null && audioCodec !== null) return { name: AUDIO_RUNG, stream: path };
  const reason =
    audioCodec === null ? 'the source has no sound' : 'its name would have more than 128 characters';
  leftOut.push({ name: AUDIO_RUNG, reason });
  return null;
}

/** Bits per second for a size, where the configuration says none: 2.5 Mbit/s for 720p30, 0.9 for 360p30. */
export function usualBitrate(width: number, height: number, fps: number): number {
  const pixels = width * height;
  const perPixel = BITS_PER_PIXEL * (REFERENCE_PIXELS / pixels) ** 0.25;
  return Math.max(MIN_BITRATE, Math.round((pixels * perPixel * fps) / 10_000) * 10_000);
}
