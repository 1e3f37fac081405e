/**
 * The H.264 encoders that a ladder may use, and what each has to be told for the same thing: no B-frames (WebRTC has
 * none), key frames only where asked for, user data SEI kept.
 */
import { assertFfmpegHas, ffmpegCapabilities } from '../../ffmpeg/capabilities.ts';
import { STDOUT, startFfmpeg } from '../../ffmpeg/start.ts';

export const encoderNames = ['libx264', 'h264_nvenc', 'h264_vaapi', 'h264_qsv', 'h264_videotoolbox'] as const;
export type EncoderName = (typeof encoderNames)[number];

interface Encoder {
  /** Stamps reach the rungs. VAAPI's and Apple's wrappers in ffmpeg pass no user data on. */
  readonly keepsStamps: boolean;
  readonly options: (preset: string) => readonly string[];
  /** Before the inputs, for a device that must be opened. */
  readonly deviceOptions?: (device: string) => readonly string[];
  /** After the scaling, to bring the picture where the encoder wants it. */
  readonly upload?: string;
}

export const encoders: Readonly<Record<EncoderName, Encoder>> = {
  libx264: {
    keepsStamps: true,
    options: (preset) => [
      '-preset',
      preset,
      '-tune',
      'zerolatency',
      '-bf',
      '0',
      '-sc_threshold',
      '0',
      '-forced-idr',
      '1',
      '-udu_sei',
      '1',
    ],
  },
  // The presets of the others have other names: theirs are chosen here, for latency.
  h264_nvenc: {
    keepsStamps: true,
    options: () => [
      '-preset',
      'p4',
      '-tune',
      'll',
      '-rc',
      'cbr',
      '-bf',
      '0',
      '-no-scenecut',
      '1',
      '-forced-idr',
      '1',
      '-udu_sei',
      '1',
    ],
  },
  h264_vaapi: {
    keepsStamps: false,
    options: () => ['-bf', '0'],
    deviceOptions: (device) => ['-vaapi_device', device],
    upload: 'format=nv12,hwupload',
  },
  h264_qsv: {
    keepsStamps: true,
    options: () => ['-preset', 'veryfast', '-bf', '0', '-forced_idr', '1', '-udu_sei', '1'],
  },
  h264_videotoolbox: { keepsStamps: false, options: () => ['-realtime', '1', '-bf', '0'] },
};

/** Encoders that were seen to work; a failure is not remembered, so that somebody may repair it while we run. */
const works = new Set<string>();

/**
 * Whether this machine can encode so: software by asking ffmpeg what it has; hardware, which a build may have and the
 * machine not, by encoding one picture.
 * @throws FfmpegError with one sentence that says what is missing
 */
export async function checkEncoder(name: EncoderName, device: string): Promise<void> {
  const key = `${name} ${device}`;
  if (works.has(key)) return;
  const capabilities = await ffmpegCapabilities();
  assertFfmpegHas(
    capabilities,
    { encoders: [name, 'aac'], filters: ['scale'], muxers: ['flv'] },
    'a ladder of rungs',
  );
  if (name !== 'libx264') await encodeOnePicture(name, device);
  works.add(key);
}

async function encodeOnePicture(name: EncoderName, device: string): Promise<void> {
  const { options, deviceOptions, upload } = encoders[name];
  const run = await startFfmpeg({
    purpose: `trying the encoder ${name}`,
    inputs: [
      { source: 'color=s=320x192:r=25', options: [...(deviceOptions?.(device) ?? []), '-f', 'lavfi'] },
    ],
    outputOptions: [
      ...(upload === undefined ? [] : ['-vf', upload]),
      ...['-frames:v', '1', '-c:v', name, ...options(''), '-f', 'null'],
    ],
    output: STDOUT,
  });
  run.stdout.resume();
  const limit = setTimeout(() => void run.stop(), 10_000);
  const failure = await run.ended;
  clearTimeout(limit);
  if (failure) throw failure;
}
