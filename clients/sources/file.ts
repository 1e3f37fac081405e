import type { Clock } from '../../core/clock.ts';
import { withoutSecrets } from '../../core/secrets.ts';
import { FilePass } from './file-pass.ts';
import { type FilePlan, planFile } from './file-plan.ts';
import { plainTag, stampTag } from './flv-tags.ts';
import { LoopTimeline, type TimedTag } from './loop-timeline.ts';
import type { Source, SourceFigures, SourceSink, SourceTag } from './source.ts';
import type { Ticker } from './ticker.ts';

export interface FileOptions {
  /** Anything that ffmpeg reads: a path or a URL. */
  readonly file: string;
  /** Number in the stamps: different for each publisher of a run. */
  readonly publisher: number;
  readonly clock: Clock;
  /** Shared by all sources of the thread. */
  readonly ticker: Ticker;
  /** Distance of key frames where the picture has to be coded anew. Default 2,000. */
  readonly gopMs?: number;
}

/** How much is read ahead: more than the start of the next pass takes. */
const AHEAD_MS = 3_000;
const MAX_AHEAD_BYTES = 32 * 1024 * 1024;
/** Further behind than that (a machine that was suspended, an encoder that is too slow), what is due is sent late, not in one burst. */
const MAX_CATCH_UP_MS = 1_000;
/** A shorter file would have ffmpeg started all the time. */
const MIN_PASS_MS = 500;

/**
 * A file played as live, over and over: what FLV can carry is copied, the rest coded anew; timestamps run on over the
 * end of the file; each picture's capture time is the moment at which it is sent.
 *
 *     ffmpeg, pass after pass ─► timeline ─► queue of 3 s ─► ticker: what is due, stamped ─► publisher
 *        └───────── waits while the queue is full ──┘
 */
export class FileSource implements Source {
  readonly description: string;
  readonly #options: FileOptions;
  readonly #queue: TimedTag[] = [];
  #queuedBytes = 0;
  readonly #due: SourceTag[] = [];

  #out: SourceSink | null = null;
  #starting: Promise<void> = Promise.resolve();
  #plan: FilePlan | null = null;
  #timeline: LoopTimeline | null = null;
  #pass: FilePass | null = null;
  #isPaused = false;
  /** When time 0 of the timeline is due; null before the first tag. */
  #startMs: number | null = null;
  #frame = 0;
  #skippedMs = 0;
  #lastFrameMs = 0;

  constructor(options: FileOptions) {
    this.#options = options;
    this.description = `file ${withoutSecrets(options.file)}`;
  }

  get figures(): SourceFigures {
    const frameMs = this.#frame > 1 ? this.#lastFrameMs / (this.#frame - 1) : 0;
    return {
      encodedFrames: this.#plan?.encodesVideo ? this.#frame : null,
      skippedFrames: frameMs > 0 ? Math.round(this.#skippedMs / frameMs) : 0,
    };
  }

  start(out: SourceSink): void {
    this.#out = out;
    this.#starting = this.#start();
  }

  async stop(): Promise<void> {
    this.#out = null;
    this.#options.ticker.remove(this.#tick);
    await this.#starting;
    await this.#pass?.stop();
  }

  async #start(): Promise<void> {
    try {
      const plan = await planFile(this.#options.file, this.#options.gopMs ?? 2_000);
      this.#plan = plan;
      this.#timeline = new LoopTimeline(plan.hasVideo, (timed) => {
        this.#queue.push(timed);
        this.#queuedBytes += timed.tag.body.length;
      });
      await this.#startPass(plan, this.#timeline);
      if (this.#out) this.#options.ticker.add(this.#tick);
    } catch (error) {
      this.#end(error);
    }
  }

  async #startPass(plan: FilePlan, timeline: LoopTimeline): Promise<void> {
    if (!this.#out) return;
    this.#pass = await FilePass.start({
      plan,
      tag: (tag) => {
        timeline.take(tag);
        this.#throttle();
      },
      ended: (error) => {
        const passMs = timeline.endPass();
        if (error) this.#end(error);
        else if (passMs < MIN_PASS_MS)
          this.#end(
            new Error(
              `${plan.name} cannot be played as live: it lasts ${Math.round(passMs)} ms, and ${MIN_PASS_MS} ms are the least that can be looped`,
            ),
          );
        else this.#starting = this.#startPass(plan, timeline).catch((failure) => this.#end(failure));
      },
    });
    this.#isPaused = false;
    this.#throttle();
  }

  #end(error: unknown): void {
    this.#options.ticker.remove(this.#tick);
    this.#out?.ended(error instanceof Error ? error : new Error(String(error)));
    this.#out = null;
    void this.#pass?.stop();
  }

  /** Reads on while less than enough is read ahead. */
  #throttle(): void {
    const first = this.#queue[0];
    const last = this.#queue.at(-1);
    const aheadMs = first && last ? last.timeMs - first.timeMs : 0;
    const enough = aheadMs > AHEAD_MS || this.#queuedBytes > MAX_AHEAD_BYTES;
    if (enough === this.#isPaused) return;
    this.#isPaused = enough;
    if (enough) this.#pass?.pause();
    else this.#pass?.resume();
  }

  readonly #tick = (nowMs: number): void => {
    const first = this.#queue[0];
    if (!first) return;
    this.#startMs ??= nowMs;
    const behindMs = nowMs - this.#startMs - first.timeMs;
    if (behindMs > MAX_CATCH_UP_MS) {
      this.#startMs += behindMs;
      this.#skippedMs += behindMs;
    }
    const captureMs = this.#options.clock.wallMs();
    let sent = 0;
    for (const timed of this.#queue) {
      if (this.#startMs + timed.timeMs > nowMs) break;
      this.#due.push(this.#stamped(timed, captureMs));
      this.#queuedBytes -= timed.tag.body.length;
      sent += 1;
    }
    if (sent === 0) return;
    this.#queue.splice(0, sent);
    this.#throttle();
    this.#out?.tags(this.#due);
    this.#due.length = 0;
  };

  #stamped({ tag, timeMs }: TimedTag, captureMs: number): SourceTag {
    const timestampMs = Math.round(timeMs) >>> 0;
    if (tag.kind !== 'key' && tag.kind !== 'inter') return plainTag(tag, timestampMs);
    const stamped = stampTag(tag, timestampMs, {
      publisher: this.#options.publisher,
      frame: this.#frame,
      captureUs: Math.round(captureMs * 1_000),
    });
    // A number that no stamp carries would be missed by viewers.
    if (stamped.captureMs === undefined) return stamped;
    this.#frame = (this.#frame + 1) >>> 0;
    this.#lastFrameMs = timeMs;
    return stamped;
  }
}
