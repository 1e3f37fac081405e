import { type EncoderName, encoderNames } from './encoders.ts';

export interface RungOptions {
  /** `720p` unless told: its height. */
  readonly name?: string | undefined;
  /** Of the shorter side, so that 720p means the same for a phone held upright. */
  readonly height: number;
  /** `2500k`; by the size unless told. */
  readonly bitrate?: string | undefined;
  /** At most so many pictures per second; the source's unless told. */
  readonly fps?: number | undefined;
  /** Told: the sound is encoded anew; else it is the source's own. */
  readonly audioBitrate?: string | undefined;
}

/** Everything the transcoder can be told; `server/config.ts` documents each for users. */
export interface TranscodeOptions {
  readonly rungs: readonly RungOptions[];
  readonly audioOnly: boolean;
  /** Which streams: a name with `*` for any characters. */
  readonly streams: string;
  readonly encoder: EncoderName;
  readonly preset: string;
  /** For VAAPI. */
  readonly device: string;
  readonly maxLadders: number;
  readonly slowAfterMs: number;
  readonly stopTimeoutMs: number;
}

export const defaultTranscodeOptions: TranscodeOptions = {
  rungs: [],
  audioOnly: true,
  streams: '*',
  encoder: encoderNames[0],
  preset: 'veryfast',
  device: '/dev/dri/renderD128',
  maxLadders: 4,
  slowAfterMs: 10_000,
  stopTimeoutMs: 2_000,
};

export function rungName(rung: RungOptions): string {
  return rung.name ?? `${rung.height}p`;
}
