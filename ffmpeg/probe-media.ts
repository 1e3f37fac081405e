import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FfmpegError } from './ffmpeg-error.ts';
import { locate } from './locate.ts';
import { lastWords } from './start.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 20_000;
/** ffprobe's JSON of some 100,000 packets. */
const MAX_OUTPUT_BYTES = 64 << 20;

/** A stream as ffprobe names its fields; which are there depends on the codec. */
export interface ProbedStream {
  readonly index: number;
  readonly codec_type: string;
  readonly codec_name?: string;
  readonly profile?: string;
  readonly level?: number;
  readonly width?: number;
  readonly height?: number;
  readonly pix_fmt?: string;
  readonly has_b_frames?: number;
  /** Fractions: `25/1`. */
  readonly r_frame_rate?: string;
  readonly avg_frame_rate?: string;
  readonly sample_rate?: string;
  readonly channels?: number;
  /** Seconds. */
  readonly duration?: string;
  readonly disposition?: { readonly attached_pic?: 0 | 1 };
}

export interface ProbedMedia {
  readonly streams: readonly ProbedStream[];
  readonly format: { readonly format_name: string; readonly duration?: string; readonly start_time?: string };
  /** With `-show_packets`. Times in seconds. */
  readonly packets?: readonly {
    readonly stream_index: number;
    readonly codec_type: string;
    readonly pts_time?: string;
    readonly dts_time?: string;
    readonly duration_time?: string;
    readonly size: string;
    readonly flags: string;
  }[];
  /** With `-show_frames`. */
  readonly frames?: readonly Record<string, unknown>[];
}

/**
 * What ffprobe finds in a file or URL, from its JSON. `options` adds to streams and format: `['-show_packets']`.
 * @throws FfmpegError FFMPEG_MISSING; FFPROBE_FAILED with what ffprobe said.
 */
export async function probeMedia(source: string, options: readonly string[] = []): Promise<ProbedMedia> {
  const ffprobe = locate('ffprobe');
  const args = ['-v', 'error', '-of', 'json', '-show_streams', '-show_format', ...options, '--', source];
  try {
    const { stdout } = await run(ffprobe, args, { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES });
    return JSON.parse(stdout) as ProbedMedia;
  } catch (error) {
    const { killed, stderr } = error as { killed?: boolean; stderr?: string };
    const said = killed
      ? `no answer within ${TIMEOUT_MS / 1000} s`
      : lastWords(stderr ?? '') || String(error);
    throw new FfmpegError('FFPROBE_FAILED', `ffprobe cannot read ${source}: ${said}`, error);
  }
}
