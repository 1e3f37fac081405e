/** How fast a ladder works, over the last seconds, and whether it keeps up with its source. Pure: told the time. */

interface Mark {
  readonly atMs: number;
  readonly sourceMs: number;
  readonly outMs: number;
}

/** Below this share of real time a ladder falls behind. */
export const SLOW_SPEED = 0.9;
const WINDOW_MS = 10_000;
/** From less nothing can be said: the first GOP comes at once, and is done in a burst. */
const LEAST_MS = 3_000;

export class SpeedMeter {
  readonly #slowAfterMs: number;
  readonly #marks: Mark[] = [];
  #slowSinceMs: number | null = null;
  #slow = false;

  constructor(slowAfterMs: number) {
    this.#slowAfterMs = slowAfterMs;
  }

  /**
   * @param atMs now, by a steady clock
   * @param sourceMs media time that the source has sent so far
   * @param outMs media time that was put out so far; both from any beginning
   * @returns what has changed by it
   */
  mark(atMs: number, sourceMs: number, outMs: number): 'slow' | 'recovered' | null {
    this.#marks.push({ atMs, sourceMs, outMs });
    while (this.#marks.length > 2 && atMs - this.#marks[0]!.atMs > WINDOW_MS) this.#marks.shift();
    const { speed, sourceSpeed } = this;
    if (speed === null || sourceSpeed === null) return null;
    // A source that stands still is not the ladder's fault; one that catches up may be served at real time.
    if (speed >= SLOW_SPEED * Math.min(1, sourceSpeed)) {
      this.#slowSinceMs = null;
      if (!this.#slow) return null;
      this.#slow = false;
      return 'recovered';
    }
    this.#slowSinceMs ??= atMs;
    if (this.#slow || atMs - this.#slowSinceMs < this.#slowAfterMs) return null;
    this.#slow = true;
    return 'slow';
  }

  /** Media seconds per second over the window; 1 is real time. null: too early to say. */
  get speed(): number | null {
    return this.#per((mark) => mark.outMs);
  }

  /** The same of what the source sends. */
  get sourceSpeed(): number | null {
    return this.#per((mark) => mark.sourceMs);
  }

  get slow(): boolean {
    return this.#slow;
  }

  /** Whether it is below real time right now: no time for one more ladder. */
  get strained(): boolean {
    return this.#slowSinceMs !== null;
  }

  #per(of: (mark: Mark) => number): number | null {
    const first = this.#marks[0];
    const last = this.#marks.at(-1);
    if (first === undefined || last === undefined || last.atMs - first.atMs < LEAST_MS) return null;
    return (of(last) - of(first)) / (last.atMs - first.atMs);
  }
}
