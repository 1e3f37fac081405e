/** One life of a ladder: a pull of its source and one ffmpeg, from the first byte to the end of both. */
import { ffmpegCapabilities } from '../../ffmpeg/capabilities.ts';
import type { FfmpegProgress } from '../../ffmpeg/progress.ts';
import { type FfmpegRun, startFfmpeg } from '../../ffmpeg/start.ts';
import { checkEncoder } from './encoders.ts';
import { ladderJob, unreadable } from './ladder-job.ts';
import { type LadderPlan, planLadder } from './plan-ladder.ts';
import type { SourceFormat } from './source-format.ts';
import { SourcePull } from './source-pull.ts';
import { SpeedMeter } from './speed-meter.ts';
import type { TranscodeOptions } from './transcode-options.ts';

export interface AttemptOptions {
  readonly stream: string;
  readonly options: TranscodeOptions;
  /** Signed, if need be, for now. */
  readonly pullUrl: (stream: string) => string;
  readonly pushUrl: (stream: string) => string;
  readonly maxTagBytes: number;
  /** By a steady clock. */
  readonly nowMs: () => number;
  readonly speedChanged: (change: 'slow' | 'recovered', speed: number) => void;
  readonly started: (pid: number, plan: LadderPlan) => void;
}

/** `idle`: nothing can be done for this source, now or later. */
export type AttemptEnd =
  | { readonly kind: 'idle'; readonly reason: string }
  | { readonly kind: 'ended'; readonly reason: string };

/** How long ffmpeg may stand still while its source goes on. */
const STUCK_AFTER_MS = 15_000;
const WATCH_EVERY_MS = 1_000;

export class LadderAttempt {
  /** How it ended: when the pull and ffmpeg are gone. Never rejects. */
  readonly ended: Promise<AttemptEnd>;
  readonly meter: SpeedMeter;
  source: SourceFormat | null = null;
  plan: LadderPlan | null = null;
  progress: FfmpegProgress | null = null;
  readonly #options: AttemptOptions;
  readonly #pull: SourcePull;
  #run: FfmpegRun | null = null;
  #startedMs = 0;
  #stopping = false;

  constructor(options: AttemptOptions) {
    this.#options = options;
    this.meter = new SpeedMeter(options.options.slowAfterMs);
    this.#pull = new SourcePull(options.pullUrl(options.stream), options.maxTagBytes);
    this.ended = this.#live().catch((error: Error) => {
      this.#pull.stop();
      return { kind: 'ended', reason: error.message };
    });
  }

  get pid(): number | null {
    return this.#run?.pid ?? null;
  }

  get runMs(): number {
    return this.#run === null ? 0 : this.#options.nowMs() - this.#startedMs;
  }

  get waitingBytes(): number {
    return this.#run?.stdin.writableLength ?? 0;
  }

  /** Ends it in order: ffmpeg says goodbye to the ingest; by force, if it does not within the time limit. */
  async stop(): Promise<void> {
    this.#stopping = true;
    // The end of its input lets ffmpeg put out what it has, and end by itself.
    this.#pull.stop();
    await this.#endRun();
    await this.ended;
  }

  async #live(): Promise<AttemptEnd> {
    const { stream, options, pushUrl, started } = this.#options;
    const source = await this.#pull.format;
    if (source === null) return { kind: 'ended', reason: await this.#pull.ended };
    this.source = source;
    await checkEncoder(options.encoder, options.device);
    const capabilities = await ffmpegCapabilities();
    const plan = planLadder(stream, source, options);
    this.plan = plan;
    const { release } = capabilities;
    const job = ladderJob({ stream, source, plan, options, release, pushUrl });
    const fault = unreadable(source, capabilities) ?? (job === null ? 'none of its rungs can be made' : null);
    if (fault !== null || job === null) {
      this.#pull.stop();
      return { kind: 'idle', reason: fault ?? '' };
    }
    if (this.#stopping) return { kind: 'ended', reason: 'stopped' };
    const run = await startFfmpeg({ ...job, progress: (progress) => this.#note(progress) });
    this.#run = run;
    this.#startedMs = this.#options.nowMs();
    this.#pull.feed(run.stdin);
    started(run.pid, plan);
    return { kind: 'ended', reason: await this.#watch(run) };
  }

  /** @returns why it ended */
  async #watch(run: FfmpegRun): Promise<string> {
    let reason: string | null = null;
    let movedMs = this.#startedMs;
    let lastFrames = -1;
    let lastPictures = 0;
    const giveUp = (why: string) => {
      reason ??= why;
      this.#pull.stop();
      void this.#endRun();
    };
    const timer = setInterval(() => {
      const frames = this.progress?.frames ?? 0;
      const { pictures } = this.#pull.watch;
      if (frames !== lastFrames || pictures === lastPictures) movedMs = this.#options.nowMs();
      [lastFrames, lastPictures] = [frames, pictures];
      if (this.#pull.changed) giveUp('the source has another size or codec now');
      else if (this.#options.nowMs() - movedMs > STUCK_AFTER_MS) giveUp('ffmpeg stood still');
    }, WATCH_EVERY_MS);
    void this.#pull.ended.then((why) => {
      reason ??= why;
      void this.#endRun();
    });
    const failure = await run.ended;
    clearInterval(timer);
    this.#pull.stop();
    return failure?.message ?? reason ?? 'ffmpeg ended';
  }

  /** ffmpeg, whose input has ended, may put out what it has; then it is made to end. */
  async #endRun(): Promise<void> {
    const run = this.#run;
    if (run === null) return;
    const insist = setTimeout(() => void run.stop(), this.#options.options.stopTimeoutMs);
    await run.ended;
    clearTimeout(insist);
  }

  #note(progress: FfmpegProgress): void {
    this.progress = progress;
    if (progress.outTimeMs === null || progress.end) return;
    const change = this.meter.mark(this.#options.nowMs(), this.#pull.watch.newestMs, progress.outTimeMs);
    if (change !== null) this.#options.speedChanged(change, this.meter.speed ?? 0);
  }
}
