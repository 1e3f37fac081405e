/** The ladder of one stream, as long as the stream is published: attempts, one after the other. */
import type { Logger } from 'pino';
import { type AttemptOptions, LadderAttempt } from './ladder-attempt.ts';
import type { LadderPlan } from './plan-ladder.ts';
import { Restarts } from './restarts.ts';
import type { LadderState, LadderStats, RungStats } from './stats.ts';

export interface LadderOptions extends Omit<AttemptOptions, 'speedChanged' | 'started'> {
  readonly log: Logger;
  readonly random: () => number;
}

export class Ladder {
  readonly stream: string;
  readonly #options: LadderOptions;
  readonly #log: Logger;
  readonly #restarts = new Restarts();
  #state: LadderState = 'starting';
  #reason: string | null = null;
  #attempt: LadderAttempt | null = null;
  #stopped = false;
  #wake: () => void = () => {};
  readonly #done: Promise<void>;

  constructor(options: LadderOptions) {
    this.stream = options.stream;
    this.#options = options;
    this.#log = options.log.child({ stream: options.stream });
    this.#done = this.#live();
  }

  /** It takes, or may soon take, its share of the CPU. */
  get active(): boolean {
    return this.#state !== 'idle';
  }

  get strained(): boolean {
    return this.#attempt?.meter.strained ?? false;
  }

  get restarts(): number {
    return this.#restarts.total;
  }

  get pid(): number | null {
    return this.#attempt?.pid ?? null;
  }

  /** Ends it and its rungs; returns when its ffmpeg is gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#attempt?.stop();
    await this.#done;
  }

  stats(): LadderStats {
    const attempt = this.#attempt;
    const { source, plan, progress } = attempt ?? { source: null, plan: null, progress: null };
    return {
      stream: this.stream,
      state: this.#state,
      reason: this.#reason,
      source: source === null ? null : { width: source.width, height: source.height, fps: source.fps },
      rungs: plan === null ? [] : rungStats(plan),
      leftOut: plan?.leftOut ?? [],
      pid: attempt?.pid ?? null,
      runMs: Math.round(attempt?.runMs ?? 0),
      restarts: this.restarts,
      speed: attempt?.meter.speed ?? null,
      slow: attempt?.meter.slow ?? false,
      fps: progress?.fps ?? 0,
      frames: progress?.frames ?? 0,
      droppedFrames: progress?.droppedFrames ?? 0,
      duplicatedFrames: progress?.duplicatedFrames ?? 0,
      waitingBytes: attempt?.waitingBytes ?? 0,
    };
  }

  async #live(): Promise<void> {
    while (!this.#stopped) {
      this.#enter('starting', null);
      const attempt = new LadderAttempt({
        ...this.#options,
        started: (pid, plan) => this.#running(pid, plan),
        speedChanged: (change, speed) => this.#speedChanged(change, speed),
      });
      this.#attempt = attempt;
      const end = await attempt.ended;
      if (this.#stopped) return;
      if (end.kind === 'idle') {
        this.#enter('idle', end.reason);
        this.#log.warn({ reason: end.reason, leftOut: attempt.plan?.leftOut }, 'no ladder for this stream');
        return;
      }
      const waitMs = this.#restarts.next(attempt.runMs, this.#options.random());
      this.#enter('waiting', end.reason);
      this.#log.warn(
        { reason: end.reason, restartInMs: Math.round(waitMs) },
        'the ladder ended; it is started anew',
      );
      await this.#pause(waitMs);
    }
  }

  #enter(state: LadderState, reason: string | null): void {
    this.#state = state;
    this.#reason = reason;
  }

  #running(pid: number, plan: LadderPlan): void {
    this.#enter('running', null);
    const rungs = rungStats(plan).map(({ stream, width, height }) =>
      width === null ? stream : `${stream} ${width}x${height}`,
    );
    this.#log.info({ pid, rungs, leftOut: plan.leftOut }, 'ladder started');
  }

  #speedChanged(change: 'slow' | 'recovered', speed: number): void {
    const rounded = Math.round(speed * 100) / 100;
    if (change === 'recovered') this.#log.info({ speed: rounded }, 'the ladder keeps up again');
    else
      this.#log.warn(
        { speed: rounded, slowAfterMs: this.#options.options.slowAfterMs },
        'the ladder cannot keep up: fewer or smaller rungs, a faster preset or a hardware encoder help',
      );
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }
}

function rungStats({ video, audio }: LadderPlan): RungStats[] {
  return [
    ...video.map(({ name, stream, width, height, videoBitrate }) => ({
      name,
      stream,
      width,
      height,
      videoBitrate,
    })),
    ...(audio === null
      ? []
      : [{ name: audio.name, stream: audio.stream, width: null, height: null, videoBitrate: null }]),
  ];
}
