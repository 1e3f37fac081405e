import { withoutSecrets } from '../core/secrets.ts';

/**
 * What can go wrong with ffmpeg, as one type. The message is one sentence for a person: what failed, where, and what
 * to do about it. What is read or written may be an address with a password or a signature, and ffmpeg repeats it:
 * neither stays in the message.
 */
export type FfmpegErrorCode =
  /** ffmpeg or ffprobe is not on this machine. */
  | 'FFMPEG_MISSING'
  /** This build of ffmpeg lacks an encoder, filter or muxer that the work needs. */
  | 'FFMPEG_CANNOT'
  /** ffmpeg could not be started, or ended by itself with an error. */
  | 'FFMPEG_FAILED'
  /** ffprobe could not read the media. */
  | 'FFPROBE_FAILED';

export class FfmpegError extends Error {
  readonly code: FfmpegErrorCode;
  constructor(code: FfmpegErrorCode, message: string, cause?: unknown) {
    super(withoutSecrets(message), cause === undefined ? undefined : { cause });
    this.name = 'FfmpegError';
    this.code = code;
  }
}
