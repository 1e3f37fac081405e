import type { Clock } from '../../core/clock.ts';
import type { Stamp } from '../../core/stamp/stamp.ts';
import { type KnownTag, plainTag, stampTag } from './flv-tags.ts';
import { FrameSlots } from './frame-slots.ts';
import type { Source, SourceFigures, SourceSink, SourceTag } from './source.ts';
import { TestPicture } from './test-picture.ts';
import { endedUnasked, TestcardEncoder } from './testcard-encoder.ts';
import { describeTestcard, type TestcardParameters, testcardParameters } from './testcard-parameters.ts';

export interface TestcardOptions {
  readonly parameters?: Partial<TestcardParameters>;
  /** Number in the stamps: different for each publisher of a run. */
  readonly publisher: number;
  readonly clock: Clock;
  /** Shown in the picture; the stream's name, as a rule. */
  readonly label?: string;
}

/** Captures whose picture the encoder still owes us. Far more than it ever holds: a bound, not a setting. */
const MAX_IN_ENCODER = 512;

/**
 * The synthetic camera: a moving picture and a tone, encoded live by ffmpeg, each frame stamped with the very moment at
 * which its picture was drawn.
 *
 *     clock ─► slot ─► draw, note capture time ─► ffmpeg ─► FLV tag ─► pts says which slot ─► stamp ─► publisher
 *                └── skipped while ffmpeg has not taken the picture before: late pictures are of no use
 *
 * The one picture is drawn over and over: it is handed to ffmpeg uncopied, and is ours again when ffmpeg has taken it.
 * So never more than one picture waits here, however slow the encoder is (docs/adr/0010-camera-pacing.md).
 */
export class TestcardSource implements Source {
  readonly description: string;
  readonly #options: TestcardOptions;
  readonly #parameters: TestcardParameters;
  readonly #picture: TestPicture;
  readonly #slots: FrameSlots;
  readonly #captured = new Map<number, Stamp>();
  readonly #due: SourceTag[] = [];

  #out: SourceSink | null = null;
  #starting: Promise<void> = Promise.resolve();
  #encoder: TestcardEncoder | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** ffmpeg has not taken the whole of the last picture yet. */
  #pictureIsOut = false;
  #frame = 0;
  #encodedFrames = 0;
  /** Timestamp of the picture of slot 0: sound begins earlier, by the AAC encoder's delay, and timestamps at 0. */
  #originMs: number | null = null;

  /** @throws RangeError with one sentence if the parameters cannot work. */
  constructor(options: TestcardOptions) {
    this.#options = options;
    this.#parameters = testcardParameters(options.parameters ?? {});
    const what = describeTestcard(this.#parameters);
    this.description = `testcard ${what}`;
    this.#picture = new TestPicture(this.#parameters, `${options.label ?? ''} ${what}`.trim());
    this.#slots = new FrameSlots(this.#parameters.fps);
  }

  get figures(): SourceFigures {
    return { encodedFrames: this.#encodedFrames, skippedFrames: this.#slots.skipped };
  }

  start(out: SourceSink): void {
    this.#out = out;
    this.#starting = this.#start();
  }

  async stop(): Promise<void> {
    this.#out = null;
    this.#clearTimer();
    await this.#starting;
    await this.#encoder?.stop();
  }

  async #start(): Promise<void> {
    try {
      this.#encoder = await TestcardEncoder.start({
        parameters: this.#parameters,
        tags: (tags) => this.#send(tags),
        ended: (error) => this.#end(error ?? endedUnasked('encoding the test card')),
      });
      if (this.#out) this.#capture(0);
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #end(error: Error): void {
    this.#clearTimer();
    this.#out?.ended(error);
    this.#out = null;
  }

  readonly #tick = (): void => {
    if (this.#pictureIsOut || !this.#out) return;
    const slot = this.#slots.take(this.#options.clock.nowMs());
    if (slot === null) this.#wait();
    else this.#capture(slot);
  };

  #wait(): void {
    this.#clearTimer();
    this.#timer = setTimeout(this.#tick, Math.ceil(this.#slots.waitMs(this.#options.clock.nowMs())));
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #capture(slot: number): void {
    const wallMs = this.#options.clock.wallMs();
    const stamp = {
      publisher: this.#options.publisher,
      frame: this.#frame,
      captureUs: Math.round(wallMs * 1_000),
    };
    const mediaMs = this.#slots.mediaMs(slot);
    this.#picture.draw(mediaMs, wallMs, stamp);
    this.#remember(slot, stamp);
    const isFirst = this.#frame === 0;
    this.#frame = (this.#frame + 1) >>> 0;
    this.#pictureIsOut = true;
    this.#encoder?.encode(this.#picture.bytes, mediaMs, () => {
      this.#pictureIsOut = false;
      if (isFirst) {
        // ffmpeg takes a while to start. That is no slowness of the encoder: the timeline begins when it is ready.
        const nowMs = this.#options.clock.nowMs();
        this.#slots.start(nowMs);
        this.#slots.take(nowMs);
      }
      this.#tick();
    });
  }

  #remember(slot: number, stamp: Stamp): void {
    this.#captured.set(slot, stamp);
    if (this.#captured.size <= MAX_IN_ENCODER) return;
    const [oldest] = this.#captured.keys();
    this.#captured.delete(oldest as number);
  }

  #send(tags: readonly KnownTag[]): void {
    if (!this.#out) return;
    for (const tag of tags)
      this.#due.push(tag.stampable ? this.#stamped(tag) : plainTag(tag, tag.timestampMs));
    this.#out.tags(this.#due);
    this.#due.length = 0;
  }

  /** Finds the capture of a coded frame by its presentation time: with B-frames it is not the oldest one. */
  #stamped(tag: KnownTag): SourceTag {
    const ptsMs = tag.timestampMs + tag.compositionMs;
    this.#originMs ??= ptsMs;
    const slot = this.#slots.slotAt(ptsMs - this.#originMs);
    const stamp = this.#captured.get(slot);
    if (!stamp) throw new Error(`the encoder gave a picture at ${ptsMs} ms that it was not given`);
    this.#captured.delete(slot);
    this.#encodedFrames += 1;
    return stampTag(tag, tag.timestampMs, stamp);
  }
}
