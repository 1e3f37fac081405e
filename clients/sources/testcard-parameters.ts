import type { FfmpegCapabilities } from '../../ffmpeg/capabilities.ts';
import type { RawVideo } from './raw-matroska.ts';

/** What the synthetic camera makes. */
export interface TestcardParameters extends RawVideo {
  /** Even numbers: the picture is coded as 4:2:0. */
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** Video and audio together, stamps included, container not. */
  readonly bitsPerSecond: number;
  /** Of `bitsPerSecond`. */
  readonly audioBitsPerSecond: number;
  /** Distance of key frames. */
  readonly gopMs: number;
  /** x264's: what is saved in processor time is paid in quality. */
  readonly preset: string;
  /** Most B-frames in a row. Each adds a frame interval of latency. */
  readonly bFrames: number;
  /** H.264 profile: baseline, main, high. Baseline has no B-frames. */
  readonly profile: 'baseline' | 'main' | 'high';
}

export const defaultTestcard: TestcardParameters = {
  width: 640,
  height: 360,
  fps: 25,
  bitsPerSecond: 640_000,
  audioBitsPerSecond: 64_000,
  gopMs: 2_000,
  preset: 'veryfast',
  bFrames: 0,
  profile: 'high',
};

/** A stamp, its NAL unit's length before it. */
const STAMP_BYTES = 46;
const MIN_VIDEO_BPS = 32_000;

/**
 * Fills in what is left out, and refuses what cannot work.
 * @throws RangeError with one sentence.
 */
export function testcardParameters(asked: Partial<TestcardParameters>): TestcardParameters {
  const parameters = { ...defaultTestcard, ...asked };
  const { width, height, fps, gopMs, bFrames, profile } = parameters;
  const refuse = (what: string): never => {
    throw new RangeError(`the test card cannot be made: ${what}`);
  };
  for (const [name, length] of [
    ['width', width],
    ['height', height],
  ] as const) {
    if (!Number.isInteger(length) || length % 2 !== 0 || length < 64 || length > 4096)
      refuse(`its ${name} is an even number from 64 to 4096, not ${length}`);
  }
  if (!(fps >= 1 && fps <= 120)) refuse(`its frame rate is 1 to 120, not ${fps}`);
  if (!(gopMs >= 1_000 / fps && gopMs <= 60_000))
    refuse(`its key-frame distance is one frame to 60 s, not ${gopMs} ms`);
  if (!Number.isInteger(bFrames) || bFrames < 0 || bFrames > 4)
    refuse(`it takes 0 to 4 B-frames, not ${bFrames}`);
  if (bFrames > 0 && profile === 'baseline') refuse('the baseline profile has no B-frames');
  if (videoBitsPerSecond(parameters) < MIN_VIDEO_BPS)
    refuse(`${parameters.bitsPerSecond} bit/s leave too little for the picture; take at least 128k`);
  return parameters;
}

/** What is left for the encoder of the picture. */
export function videoBitsPerSecond(parameters: TestcardParameters): number {
  const { bitsPerSecond, audioBitsPerSecond, fps } = parameters;
  return Math.round(bitsPerSecond - audioBitsPerSecond - fps * STAMP_BYTES * 8);
}

/** For people: `640x360@25 640 kbit/s`. */
export function describeTestcard({ width, height, fps, bitsPerSecond }: TestcardParameters): string {
  return `${width}x${height}@${fps} ${Math.round(bitsPerSecond / 1_000)} kbit/s`;
}

/** 1,024 samples of 48 kHz are 64/3 ms: 8 s, or any multiple, hold a whole number of AAC frames. */
const SAMPLE_RATE = 48_000;

/** The tone: it beeps for 40 ms at each full second, when the picture's beat is white. */
export const toneGraph = `sine=frequency=330:beep_factor=4:sample_rate=${SAMPLE_RATE}:samples_per_frame=1024`;

/**
 * What stands between ffmpeg's inputs (0: pictures, 1: tone) and its FLV output.
 *
 * Latency: zerolatency gives a picture out as soon as it is in (B-frames, if asked for, apart), `passthrough` keeps
 * ffmpeg from holding one back to decide whether to double it, and packets are flushed one by one.
 */
export function encoderOptions(parameters: TestcardParameters, { release }: FfmpegCapabilities): string[] {
  const { gopMs, fps, preset, profile, bFrames, audioBitsPerSecond } = parameters;
  const videoBps = String(videoBitsPerSecond(parameters));
  const gopFrames = String(Math.max(1, Math.round((gopMs * fps) / 1_000)));
  const beforeFpsMode = release !== null && (release[0] < 5 || (release[0] === 5 && release[1] < 1));
  return [
    ...['-map', '0:v', '-map', '1:a'],
    ...[beforeFpsMode ? '-vsync' : '-fps_mode', 'passthrough'],
    ...['-c:v', 'libx264', '-preset', preset, '-tune', 'zerolatency', '-profile:v', profile],
    ...['-threads:v', String(encoderThreads(parameters)), '-bf', String(bFrames)],
    // A buffer of one second: a key frame of twice the usual size is no reason to blur it.
    ...['-b:v', videoBps, '-maxrate', videoBps, '-bufsize', videoBps],
    // Key frames when asked for, and never else: no scene cut moves them.
    ...['-g', gopFrames, '-keyint_min', gopFrames, '-sc_threshold', '0'],
    ...['-c:a', 'aac', '-b:a', String(audioBitsPerSecond), '-ac', '2'],
    ...['-flush_packets', '1', '-flvflags', 'no_duration_filesize', '-f', 'flv'],
  ];
}

/** One thread codes 720p at 30 fps with ease; more of them cost latency nothing (slices), but quality a little. */
function encoderThreads({ width, height, fps }: TestcardParameters): number {
  return Math.min(4, Math.max(1, Math.ceil((width * height * fps) / (1280 * 720 * 30))));
}
