import { assertFfmpegHas, ffmpegCapabilities } from '../../ffmpeg/capabilities.ts';
import { FfmpegError } from '../../ffmpeg/ffmpeg-error.ts';
import { type FfmpegRun, STDIN, STDOUT, startFfmpeg } from '../../ffmpeg/start.ts';
import { FlvTags, type KnownTag } from './flv-tags.ts';
import { rawMatroskaHeader, rawMatroskaPrefix } from './raw-matroska.ts';
import { encoderOptions, type TestcardParameters, toneGraph } from './testcard-parameters.ts';

export interface TestcardEncoderOptions {
  readonly parameters: TestcardParameters;
  /** The tone goes on for ever unless told how long; pictures end when they end. */
  readonly durationMs?: number;
  /** The tags of one read from ffmpeg, in order; the array is reused. */
  tags(tags: readonly KnownTag[]): void;
  /** Once, when ffmpeg is gone: null if it was stopped or had come to the end of what it was given. */
  ended(error: Error | null): void;
}

/** ffmpeg as the encoder of raw pictures and a tone: pictures in, FLV tags out. */
export class TestcardEncoder {
  readonly #run: FfmpegRun;
  readonly #parameters: TestcardParameters;

  /** @throws FfmpegError if ffmpeg is missing, lacks what is needed, or cannot be started. */
  static async start(options: TestcardEncoderOptions): Promise<TestcardEncoder> {
    const { parameters, durationMs } = options;
    const capabilities = await ffmpegCapabilities();
    const needs = { encoders: ['libx264', 'aac'], filters: ['sine'], muxers: ['flv'] };
    assertFfmpegHas(capabilities, needs, 'the test card');
    const run = await startFfmpeg({
      purpose: 'encoding the test card',
      inputs: [
        {
          source: STDIN,
          // A probe as small as it gets, because all is in the header, and a queue of one: what ffmpeg cannot take is
          // better left out by us than late.
          options: ['-probesize', '32', '-analyzeduration', '0', '-thread_queue_size', '1', '-f', 'matroska'],
        },
        // Not in real time: the muxer takes sound only as far as there are pictures.
        { source: toneGraph, options: ['-f', 'lavfi'] },
      ],
      outputOptions: [
        ...(durationMs === undefined ? [] : ['-t', String(durationMs / 1_000)]),
        ...encoderOptions(parameters, capabilities),
      ],
      output: STDOUT,
    });
    return new TestcardEncoder(run, options);
  }

  constructor(run: FfmpegRun, options: TestcardEncoderOptions) {
    this.#run = run;
    this.#parameters = options.parameters;
    const batch: KnownTag[] = [];
    const flv = new FlvTags((tag) => batch.push(tag));
    let broken: Error | null = null;
    run.stdout.on('data', (bytes: Uint8Array) => {
      if (broken) return;
      try {
        flv.push(bytes);
        if (batch.length > 0) options.tags(batch);
        batch.length = 0;
      } catch (error) {
        broken = error instanceof Error ? error : new Error(String(error));
        void run.stop();
      }
    });
    const read = new Promise<void>((resolve) => run.stdout.once('end', resolve));
    void Promise.all([run.ended, read]).then(([failure]) => options.ended(broken ?? failure));
    run.stdin.write(rawMatroskaHeader(this.#parameters));
  }

  /**
   * Encodes a picture shown at `mediaMs`. It is not copied: it may be drawn over when `taken` is called, and not
   * earlier. That call comes when ffmpeg has taken all of it, so it tells whether the encoder keeps up.
   */
  encode(picture: Uint8Array, mediaMs: number, taken: () => void): void {
    const { stdin } = this.#run;
    stdin.cork();
    stdin.write(rawMatroskaPrefix(this.#parameters, Math.round(mediaMs)));
    stdin.write(picture, taken);
    stdin.uncork();
  }

  /** No more pictures: ffmpeg ends when it has encoded what it has. */
  finish(): void {
    this.#run.stdin.end();
  }

  stop(): Promise<void> {
    return this.#run.stop();
  }
}

/** What a source says when ffmpeg ended though nobody had asked it to. */
export function endedUnasked(purpose: string): FfmpegError {
  return new FfmpegError('FFMPEG_FAILED', `ffmpeg (${purpose}) ended by itself, without a word why`);
}
