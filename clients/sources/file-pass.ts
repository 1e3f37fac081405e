import { type FfmpegRun, STDOUT, startFfmpeg } from '../../ffmpeg/start.ts';
import type { FilePlan } from './file-plan.ts';
import { FlvTags, type KnownTag } from './flv-tags.ts';

export interface FilePassOptions {
  readonly plan: FilePlan;
  tag(tag: KnownTag): void;
  /** All has been read (null), or not. Not called after `stop`. */
  ended(error: Error | null): void;
}

/** One reading of a media file from its beginning to its end, by ffmpeg, as fast as it is wanted. */
export class FilePass {
  readonly #run: FfmpegRun;
  #stopped = false;

  /** @throws FfmpegError if ffmpeg is missing or cannot be started. */
  static async start(options: FilePassOptions): Promise<FilePass> {
    const { name, source, outputOptions } = options.plan;
    const run = await startFfmpeg({
      purpose: `reading ${name}`,
      inputs: [{ source }],
      outputOptions,
      output: STDOUT,
    });
    return new FilePass(run, options);
  }

  constructor(run: FfmpegRun, options: FilePassOptions) {
    this.#run = run;
    const flv = new FlvTags(options.tag);
    let broken: Error | null = null;
    run.stdout.on('data', (bytes: Uint8Array) => {
      if (broken || this.#stopped) return;
      try {
        flv.push(bytes);
      } catch (error) {
        broken = error instanceof Error ? error : new Error(String(error));
        void run.stop();
      }
    });
    const read = new Promise<void>((resolve) => run.stdout.once('end', resolve));
    void Promise.all([run.ended, read]).then(([failure]) => {
      if (!this.#stopped) options.ended(broken ?? failure);
    });
  }

  /** Has ffmpeg wait, by no longer taking what it writes. */
  pause(): void {
    this.#run.stdout.pause();
  }

  resume(): void {
    this.#run.stdout.resume();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#run.stop();
  }
}
