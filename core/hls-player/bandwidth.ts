/**
 * Throughput as hls.js 1.x estimates it (src/utils/ewma.ts and ewma-bandwidth-estimator.ts): two exponentially weighted
 * means over the time spent downloading, of which the lower counts: quick to see a fall, slow to believe a rise.
 */
export class BandwidthEstimate {
  readonly #fast: Mean;
  readonly #slow: Mean;
  readonly #defaultBps: number;

  /** Half-lives in seconds of downloading; hls.js has 3 and 9, for live streams and others. */
  constructor(defaultBps: number, fastSeconds = 3, slowSeconds = 9) {
    this.#defaultBps = defaultBps;
    this.#fast = new Mean(fastSeconds);
    this.#slow = new Mean(slowSeconds);
  }

  /** `bytes` took `durationMs`. Shorter ones than 50 ms count as 50: a cache's answer is no throughput. */
  add(durationMs: number, bytes: number): void {
    const ms = Math.max(durationMs, MIN_DURATION_MS);
    const bps = (8_000 * bytes) / ms;
    this.#fast.add(ms / 1_000, bps);
    this.#slow.add(ms / 1_000, bps);
  }

  /** Bits per second. */
  get bps(): number {
    if (this.#fast.weight < MIN_WEIGHT) return this.#defaultBps;
    return Math.min(this.#fast.value, this.#slow.value);
  }
}

const MIN_DURATION_MS = 50;
const MIN_WEIGHT = 0.001;

class Mean {
  readonly #alpha: number;
  #sum = 0;
  weight = 0;

  constructor(halfLife: number) {
    this.#alpha = 0.5 ** (1 / halfLife);
  }

  add(weight: number, value: number): void {
    const kept = this.#alpha ** weight;
    this.#sum = value * (1 - kept) + kept * this.#sum;
    this.weight += weight;
  }

  /** Without the zero that it began with. */
  get value(): number {
    return this.#sum / (1 - this.#alpha ** this.weight);
  }
}
