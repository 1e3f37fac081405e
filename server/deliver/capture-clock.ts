/**
 * When media was captured, as far as a server can know: the earliest arrival that any of it had. What comes late (a burst
 * when a connection begins, a queue somewhere) is taken for as old as the rest.
 */
export class CaptureClock {
  #zeroMs = Number.NaN;
  #lastMs = Number.NaN;

  /** @param timestampMs media time @param wallMs now @returns milliseconds since the epoch */
  captured(timestampMs: number, wallMs: number): number {
    const zeroMs = wallMs - timestampMs;
    // Another clock: a new publisher, or one that leaped.
    const hasLeaped = Math.abs(timestampMs - this.#lastMs) > MAX_STEP_MS || Number.isNaN(this.#zeroMs);
    this.#lastMs = timestampMs;
    if (hasLeaped || zeroMs < this.#zeroMs) this.#zeroMs = zeroMs;
    // Publishers' clocks are slower or faster than ours by some 10 ppm to 100 ppm: the earliest arrival ages.
    else this.#zeroMs += Math.min(zeroMs - this.#zeroMs, DRIFT_MS);
    return this.#zeroMs + timestampMs;
  }
}

const MAX_STEP_MS = 3_000;
/** By tag: 100 tags a second make 1 ms a second, ten times what clocks drift. */
const DRIFT_MS = 0.01;
