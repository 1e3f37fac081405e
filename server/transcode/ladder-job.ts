/** The one ffmpeg of a ladder: FLV on its stdin, decoded once, each rung scaled, encoded and pushed. */
import type { FfmpegCapabilities } from '../../ffmpeg/capabilities.ts';
import { type FfmpegJob, type FfmpegOutput, STDIN } from '../../ffmpeg/start.ts';
import { encoders } from './encoders.ts';
import type { LadderPlan, VideoRung } from './plan-ladder.ts';
import type { SourceFormat } from './source-format.ts';
import type { TranscodeOptions } from './transcode-options.ts';

export interface LadderJobOptions {
  readonly stream: string;
  readonly source: SourceFormat;
  readonly plan: LadderPlan;
  readonly options: Pick<TranscodeOptions, 'encoder' | 'preset' | 'device' | 'stopTimeoutMs'>;
  readonly release: FfmpegCapabilities['release'];
  /** Where a rung's stream is pushed to, signed if need be. */
  readonly pushUrl: (stream: string) => string;
}

/** Key frames come where the source has them; this many pictures without one, and all rungs make one together. */
const MAX_GOP_FRAMES = 600;
const AUDIO_BITRATE = 128_000;
/** A server that takes nothing for so long is given up; in microseconds, as ffmpeg wants it. */
const PUSH_TIMEOUT_US = 10_000_000;

/** @returns null: the plan has no rung */
export function ladderJob(job: LadderJobOptions): Omit<FfmpegJob, 'progress'> | null {
  const { stream, source, plan, options, release, pushUrl } = job;
  const outputs: FfmpegOutput[] = plan.video.map((rung) => ({
    options: [
      ...videoOptions(rung, options, release),
      ...audioOptions(rung.audioBitrate, source),
      ...flvOptions,
    ],
    target: pushUrl(rung.stream),
  }));
  if (plan.audio !== null)
    outputs.push({
      options: ['-map', '0:a:0', '-c:a', ...audioCodec(null, source), ...flvOptions],
      target: pushUrl(plan.audio.stream),
    });
  const [first, ...moreOutputs] = outputs;
  if (first === undefined) return null;
  return {
    purpose: `transcoding ${stream}`,
    inputs: [{ source: STDIN, options: inputOptions(options) }],
    outputOptions: first.options,
    output: first.target,
    moreOutputs,
    stopGraceMs: options.stopTimeoutMs,
  };
}

function inputOptions({ encoder, device }: LadderJobOptions['options']): readonly string[] {
  return [
    ...(encoders[encoder].deviceOptions?.(device) ?? []),
    // Rungs keep the source's clock: a player that switches finds the same moment under the same time.
    '-copyts',
    // Threads by slices: threads by frames hold back as many pictures as there are threads.
    ...['-thread_type', 'slice'],
    // The set-up of both tracks comes first: nothing is gained by looking for longer.
    ...['-fflags', 'nobuffer', '-analyzeduration', '1000000', '-probesize', '1000000', '-f', 'flv'],
  ];
}

function videoOptions(
  { width, height, videoBitrate, fps }: VideoRung,
  { encoder, preset }: LadderJobOptions['options'],
  release: FfmpegCapabilities['release'],
): readonly string[] {
  const { options, upload } = encoders[encoder];
  const scale = `scale=${width}:${height}`;
  return [
    ...['-map', '0:v:0', '-c:v', encoder, ...options(preset)],
    ...['-vf', upload === undefined ? `${scale},format=yuv420p` : `${scale},${upload}`],
    ...['-b:v', String(videoBitrate), '-maxrate', String(videoBitrate), '-bufsize', String(videoBitrate)],
    ...['-g', String(MAX_GOP_FRAMES)],
    ...pacing(fps, release),
  ];
}

/** Which pictures are encoded, at which times, and which of them are key frames. */
function pacing(fps: number | null, release: FfmpegCapabilities['release']): readonly string[] {
  const [major, minor] = release ?? [Number.POSITIVE_INFINITY, 0];
  // `-fps_mode` is new in 5.1, and `-vsync` gone in 8.
  const mode = major > 5 || (major === 5 && minor >= 1) ? '-fps_mode' : '-vsync';
  // Each picture at the source's own millisecond, none doubled and none dropped.
  if (fps === null) return ['-force_key_frames', 'source', mode, 'passthrough', '-enc_time_base', '1:1000'];
  // Where the source's key frame is one of the pictures dropped, the next one takes its part; 6.1 always does so.
  const follow = major < 6 || (major === 6 && minor < 1) ? 'source_no_drop' : 'source';
  return ['-force_key_frames', follow, mode, 'vfr', '-r', String(fps)];
}

const flvOptions = [
  ...['-flvflags', 'no_duration_filesize', '-flush_packets', '1'],
  ...['-rw_timeout', String(PUSH_TIMEOUT_US), '-f', 'flv'],
] as const;

function audioOptions(bitrate: number | null, source: SourceFormat): readonly string[] {
  if (source.audioCodec === null) return ['-an'];
  return ['-map', '0:a:0', '-c:a', ...audioCodec(bitrate, source)];
}

function audioCodec(bitrate: number | null, { audioCodec: codec }: SourceFormat): readonly string[] {
  if (bitrate === null && (codec === 'aac' || codec === 'mp3')) return ['copy'];
  return ['aac', '-b:a', String(bitrate ?? AUDIO_BITRATE)];
}

/**
 * Why this ffmpeg cannot read such a source; null: it can.
 * Enhanced FLV (H.265, VP9, AV1) is read from 6.1 on, its sound (Opus, FLAC, AC-3) from 8.0 on.
 */
export function unreadable(
  { videoCodec, audioCodec }: SourceFormat,
  { release, version }: Pick<FfmpegCapabilities, 'release' | 'version'>,
): string | null {
  const before = (major: number, minor: number) =>
    release !== null && (release[0] < major || (release[0] === major && release[1] < minor));
  if (videoCodec !== 'h264' && before(6, 1))
    return `ffmpeg ${version} cannot read ${videoCodec} from FLV: 6.1 or later is needed`;
  if (audioCodec !== null && audioCodec !== 'aac' && audioCodec !== 'mp3' && before(8, 0))
    return `ffmpeg ${version} cannot read ${audioCodec} from FLV: 8.0 or later is needed`;
  return null;
}
