/**
 * How late the event loop is: a timer every 20 ms notes by how much it missed its time. A block of the thread by any
 * work shows as one late sample of that length.
 *
 * `perf_hooks.monitorEventLoopDelay` does the same in C++ and was not taken: after each `reset()` it drops its next
 * sample (Node 20 to 24), so that a block right after the once-a-second reading, where our own sweep is, goes unseen.
 */
export class LoopLag {
  readonly #now: () => number;
  readonly #samples: number[] = [];
  #timer: NodeJS.Timeout | null = null;
  #lastMs = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  start(): void {
    this.#lastMs = this.#now();
    this.#timer = setInterval(() => this.sample(), SAMPLE_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** The timer's work; tests call it. */
  sample(): void {
    const nowMs = this.#now();
    this.#samples.push(Math.max(0, nowMs - this.#lastMs - SAMPLE_EVERY_MS));
    this.#lastMs = nowMs;
  }

  /** The lateness of each sample since the last call, in ms. At least one: the time since the last sample counts as well. */
  take(): number[] {
    const sinceMs = this.#now() - this.#lastMs;
    if (sinceMs > SAMPLE_EVERY_MS || this.#samples.length === 0) this.sample();
    return this.#samples.splice(0);
  }
}

/** Each waking of an idle thread costs some 100 µs: 50 a second are half a percent of a core, and see every block of 70 ms. */
export const SAMPLE_EVERY_MS = 20;
