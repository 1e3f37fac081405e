import { stat } from 'node:fs/promises';
import { withoutSecrets } from '../../core/secrets.ts';
import { assertFfmpegHas, ffmpegCapabilities } from '../../ffmpeg/capabilities.ts';
import { type ProbedStream, probeMedia } from '../../ffmpeg/probe-media.ts';

/** How ffmpeg is to read a file so that FLV comes out. */
export interface FilePlan {
  /** As the user named it, for messages. */
  readonly name: string;
  readonly source: string;
  readonly outputOptions: readonly string[];
  readonly hasVideo: boolean;
  /** The picture is coded anew: it is not of a codec that FLV and its servers take. */
  readonly encodesVideo: boolean;
}

/** MP3 in FLV has no other sampling rates (Adobe FLV 10.1, E.4.2.1); AAC may have any. */
const MP3_RATES = new Set(['11025', '22050', '44100']);
const DEFAULT_FPS = 25;

/**
 * Looks at a file (anything that ffmpeg reads, a URL too) and decides what is copied and what is coded anew.
 * Copied are H.264, AAC, and MP3 at the rates that FLV has; the first track of each kind is taken, and cover pictures
 * are no video.
 * @throws Error with one sentence; FfmpegError if ffmpeg or ffprobe is missing or cannot read it.
 */
export async function planFile(file: string, gopMs: number): Promise<FilePlan> {
  const isUrl = /^[a-z][a-z0-9+.-]+:\/\//i.test(file);
  if (!isUrl) await assertFile(file);
  // With its protocol before it, no file name is taken for an option or another protocol.
  const source = isUrl ? file : `file:${file}`;
  const name = withoutSecrets(file);
  const { streams } = await probeMedia(source);
  const video = streams.find((stream) => stream.codec_type === 'video' && !isCover(stream));
  const audio = streams.find(({ codec_type }) => codec_type === 'audio');
  if (!video && !audio) throw new Error(`${name} has neither video nor audio: it cannot be played as live`);
  const encodesVideo = video !== undefined && video.codec_name !== 'h264';
  const copiesAudio =
    audio?.codec_name === 'aac' || (audio?.codec_name === 'mp3' && MP3_RATES.has(audio.sample_rate ?? ''));
  const encoders = [...(encodesVideo ? ['libx264'] : []), ...(audio && !copiesAudio ? ['aac'] : [])];
  assertFfmpegHas(await ffmpegCapabilities(), { encoders, muxers: ['flv'] }, `playing ${name} as live`);
  return {
    name,
    source,
    hasVideo: video !== undefined,
    encodesVideo,
    outputOptions: [
      ...(video ? ['-map', `0:${video.index}`] : []),
      ...(video && encodesVideo ? h264Options(video, gopMs) : ['-c:v', 'copy']),
      ...(audio ? ['-map', `0:${audio.index}`] : []),
      ...(copiesAudio ? ['-c:a', 'copy'] : ['-c:a', 'aac', '-b:a', '128k', '-ac', '2']),
      ...['-flvflags', 'no_duration_filesize', '-f', 'flv'],
    ],
  };
}

async function assertFile(file: string): Promise<void> {
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    found = await stat(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(
      code === 'ENOENT' || code === 'ENOTDIR'
        ? `${file} cannot be played as live: there is no such file`
        : `${file} cannot be played as live: ${(error as Error).message}`,
    );
  }
  if (found.isDirectory()) throw new Error(`${file} cannot be played as live: it is a folder`);
}

function isCover(stream: ProbedStream): boolean {
  return stream.disposition?.attached_pic === 1;
}

function h264Options(video: ProbedStream, gopMs: number): string[] {
  const [numerator = 0, denominator = 0] = (video.avg_frame_rate ?? '').split('/').map(Number);
  const fps = numerator > 0 && denominator > 0 ? numerator / denominator : DEFAULT_FPS;
  const gopFrames = String(Math.max(1, Math.round((gopMs * fps) / 1_000)));
  return [
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
    // 4:2:0 has no odd sizes.
    ...['-vf', 'crop=trunc(iw/2)*2:trunc(ih/2)*2'],
    ...['-crf', '23', '-maxrate', '4M', '-bufsize', '4M'],
    ...['-g', gopFrames, '-keyint_min', gopFrames, '-sc_threshold', '0'],
  ];
}
