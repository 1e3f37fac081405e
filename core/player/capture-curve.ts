/**
 * Remembers when the media between playhead and live edge was captured, in some hundred bytes.
 *
 * Capture time and presentation time run side by side, so it is their difference that is kept, and only where it
 * changes: for a steady stream that is one entry, however much is buffered.
 *
 *     capture − pts   ────────────┐        ┌────────────   three entries: (pts, difference)
 *                                 └────────┘               a jump is a publisher's restart or a hole in the stream
 */
export class CaptureCurve {
  /** Pairs of (media time, capture − media time), a ring of `#capacity` pairs; grows as needed up to `MAX_ENTRIES`. */
  #pairs = new Float64Array(2 * FIRST_ENTRIES);
  #capacity = FIRST_ENTRIES;
  #first = 0;
  #count = 0;
  /** The newest entry once more: nearly every frame agrees with it or is too near to it, and needs no look at the ring. */
  #newest = Number.NaN;
  #newestMediaMs = Number.NEGATIVE_INFINITY;

  /** The frame shown at `mediaMs` was captured at `captureMs`. Frames may come out of order by a few (B-frames). */
  record(mediaMs: number, captureMs: number): void {
    const difference = captureMs - mediaMs;
    const change = Math.abs(difference - this.#newest);
    if (change <= TOLERANCE_MS) return;
    const distanceMs = mediaMs - this.#newestMediaMs;
    // An earlier frame that comes later is described by its neighbours.
    if (distanceMs <= 0) return;
    if (distanceMs < MIN_DISTANCE_MS && change < NOISE_MS) return;
    if (this.#count === this.#capacity) this.#makeRoom();
    this.#count++;
    const entry = this.#at(this.#count - 1);
    this.#pairs[entry] = mediaMs;
    this.#pairs[entry + 1] = difference;
    this.#newest = difference;
    this.#newestMediaMs = mediaMs;
  }

  /**
   * When the picture at `mediaMs` was captured; `NaN` if no frame up to there had a stamp. What lies before `mediaMs` is
   * forgotten: ask in ascending order.
   */
  captureAt(mediaMs: number): number {
    while (this.#count > 1 && this.#pairs[this.#at(1)]! <= mediaMs) {
      this.#first = (this.#first + 1) % this.#capacity;
      this.#count--;
    }
    if (this.#count === 0) return Number.NaN;
    const entry = this.#at(0);
    return this.#pairs[entry]! <= mediaMs ? mediaMs + this.#pairs[entry + 1]! : Number.NaN;
  }

  #at(index: number): number {
    return 2 * ((this.#first + index) % this.#capacity);
  }

  #makeRoom(): void {
    if (this.#capacity === MAX_ENTRIES) {
      // Bounded: a stream this uneven loses its oldest detail; its second entry stands for it from here on.
      this.#first = (this.#first + 1) % this.#capacity;
      this.#count--;
      return;
    }
    const pairs = new Float64Array(4 * this.#capacity);
    for (let i = 0; i < this.#count; i++) {
      pairs[2 * i] = this.#pairs[this.#at(i)]!;
      pairs[2 * i + 1] = this.#pairs[this.#at(i) + 1]!;
    }
    this.#pairs = pairs;
    this.#first = 0;
    this.#capacity *= 2;
  }
}

const FIRST_ENTRIES = 4;
const MAX_ENTRIES = 64;
/** Rounding of timestamps to milliseconds is no change. */
const TOLERANCE_MS = 2;
/** Unevenness up to `NOISE_MS` is kept once in this time at most: so far a full curve reaches back at least 6 s. */
const MIN_DISTANCE_MS = 100;
const NOISE_MS = 20;
