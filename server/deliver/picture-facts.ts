import { readVideoHead, videoHead } from '../../core/flv/video-head.ts';
import { readAvcC } from '../../core/h264/avcc.ts';
import { readSps as readH264Sps } from '../../core/h264/sps.ts';
import { readHvcC } from '../../core/h265/hvcc.ts';
import { readSps as readH265Sps } from '../../core/h265/sps.ts';
import { type MediaTag, TAG_VIDEO } from '../../core/media.ts';
import type { SampleTrack } from '../../core/media-sample.ts';

/** Pixels shown; null where the configuration does not tell. */
export function pictureSize(tracks: readonly SampleTrack[]): { width: number; height: number } | null {
  const video = tracks.find(({ kind }) => kind === 'video');
  if (video === undefined) return null;
  try {
    if (video.codec === 'h264') return readH264Sps(readAvcC(video.config).sps[0]!);
    if (video.codec === 'h265') return readH265Sps(readHvcC(video.config).sps[0]!);
  } catch {
    // A configuration that muxers took and this cannot read: it is only not said.
  }
  return null;
}

const SPAN = 150;
const MAX_STEP_MS = 2_000;
/** What cameras and encoders are set to: whole milliseconds of FLV come out a little beside it. */
const USUAL = [24_000 / 1_001, 24, 25, 30_000 / 1_001, 30, 48, 50, 60_000 / 1_001, 60, 100, 120];
const NEAR = 0.0004;

/** Pictures per second, measured over the last ones. */
export class FrameRate {
  readonly #head = videoHead();
  readonly #timesMs: number[] = [];

  note({ type, timestampMs, body }: MediaTag): void {
    if (type !== TAG_VIDEO || !readVideoHead(body, 0, body.length, this.#head)) return;
    if (this.#head.packet !== 'frames') return;
    const last = this.#timesMs.at(-1);
    if (last !== undefined && (timestampMs < last || timestampMs - last > MAX_STEP_MS))
      this.#timesMs.length = 0;
    this.#timesMs.push(timestampMs);
    if (this.#timesMs.length > SPAN) this.#timesMs.shift();
  }

  /** Null before there are enough. */
  get fps(): number | null {
    const spanMs = (this.#timesMs.at(-1) ?? 0) - (this.#timesMs[0] ?? 0);
    if (this.#timesMs.length < 10 || spanMs <= 0) return null;
    const fps = ((this.#timesMs.length - 1) * 1_000) / spanMs;
    // Both ends are rounded to a millisecond.
    const tolerance = Math.max(NEAR, 1 / spanMs);
    const near = [...USUAL].sort((a, b) => Math.abs(a - fps) - Math.abs(b - fps))[0]!;
    return Math.abs(near - fps) <= near * tolerance ? near : fps;
  }
}
