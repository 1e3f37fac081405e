/** As metrics.md has it for `stall_count`: shorter gaps are seen by nobody. */
const MIN_STALL_MS = 100;

export interface Stalls {
  readonly count: number;
  readonly totalMs: number;
}

/** Counts stalls as `stall_count` and `stall_ms` do: after the first frame, of 100 ms and more, the one under way included. */
export class StallCounter {
  #count = 0;
  #totalMs = 0;
  #sinceMs: number | null = null;

  /** The player has run out of media. */
  waiting(nowMs: number): void {
    this.#sinceMs ??= nowMs;
  }

  /** Pictures move again. */
  playing(nowMs: number): void {
    const { count, totalMs } = this.read(nowMs);
    this.#count = count;
    this.#totalMs = totalMs;
    this.#sinceMs = null;
  }

  /** What looked like a stall is a pause or a seek: it does not count. */
  forget(): void {
    this.#sinceMs = null;
  }

  read(nowMs: number): Stalls {
    const openMs = this.#sinceMs === null ? 0 : nowMs - this.#sinceMs;
    if (openMs < MIN_STALL_MS) return { count: this.#count, totalMs: this.#totalMs };
    return { count: this.#count + 1, totalMs: this.#totalMs + openMs };
  }
}
