/**
 * Puts the decode times of one track on one continuous line, whatever the stream does to them.
 *
 *     RTMP/FLV ms (u32):   … 4294967280  4294967295 │ 14   54    │ 9000000   9000040 │ 0     40
 *     on the line:         … 40          55         │ 70   110   │ 150       190     │ 230   270
 *                                               wraps          jumps           publisher restarts
 *
 * A jump moves nothing: media that comes after it is played right behind what came before, as players do that remux
 * (mpegts.js corrects the decode time of each batch to follow the last one).
 */
export class Timeline {
  #started = false;
  #broken = false;
  #lastRawMs = 0;
  #lastMs = 0;
  #intervalMs = FIRST_INTERVAL_MS;
  #jumps = 0;
  #markedRawMs = 0;
  #markedMs = 0;
  #markedStarted = false;

  /** Time from one frame to the next, as last seen: how long the newest frame will be shown. */
  get intervalMs(): number {
    return this.#intervalMs;
  }

  /** How often timestamps jumped, forwards or backwards. */
  get jumps(): number {
    return this.#jumps;
  }

  /** The next frame comes from a new connection: its timestamps have nothing to do with those before. */
  break(): void {
    this.#broken = true;
  }

  /** What was placed up to here is kept; `back` forgets what comes after. */
  mark(): void {
    this.#markedRawMs = this.#lastRawMs;
    this.#markedMs = this.#lastMs;
    this.#markedStarted = this.#started;
  }

  /** Forgets what was placed since `mark`: it will come once more, or not at all. */
  back(): void {
    this.#lastRawMs = this.#markedRawMs;
    this.#lastMs = this.#markedMs;
    this.#started = this.#markedStarted;
  }

  /** Where on the line a frame lies that is decoded at `rawMs` (unsigned 32-bit milliseconds). The first is at 0. */
  place(rawMs: number): number {
    // The difference of unsigned 32-bit numbers as a signed one: a wrap (RTMP: after 49.7 days) is a small step.
    let stepMs = (rawMs - this.#lastRawMs) | 0;
    if (!this.#started) {
      stepMs = 0;
      this.#started = true;
    } else if (this.#broken || this.#isJump(stepMs)) {
      if (!this.#broken) this.#jumps++;
      stepMs = this.#intervalMs;
    } else if (stepMs > 0) {
      this.#intervalMs = stepMs;
    }
    this.#broken = false;
    this.#lastRawMs = rawMs;
    this.#lastMs += stepMs;
    return this.#lastMs;
  }

  #isJump(stepMs: number): boolean {
    return stepMs > Math.max(MAX_GAP_MS, MAX_GAP_FRAMES * this.#intervalMs) || stepMs < -MAX_BACKWARDS_MS;
  }
}

/** Until two frames have told: 25 frames per second. */
const FIRST_INTERVAL_MS = 40;
/** A longer pause between two frames is a jump, not a slow stream … */
const MAX_GAP_MS = 1_000;
/** … unless the stream is one of a frame every few seconds (a shared screen). */
const MAX_GAP_FRAMES = 4;
/** Encoders that stamp with the wall clock let decode times step back by a little. */
const MAX_BACKWARDS_MS = 100;
