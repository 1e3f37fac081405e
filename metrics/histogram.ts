/**
 * A mergeable log-linear histogram: the one way in which samples are kept.
 *
 *   value  ──►  bucket = sign, exponent and top 7 mantissa bits of the IEEE 754 double
 *
 *        1.0                    2.0                    4.0                    8.0
 *         ├─┬─┬─ 128 buckets ─┬─┼─┬─┬─ 128 buckets ─┬─┼─┬─┬─ 128 buckets ─┬─┤     …
 *
 * Within an octave buckets are equally wide, so a bucket spans at most 1/128 of its lower bound and its middle is
 * within 1/256 = 0.39 % of every value in it. The double has done the logarithm already: finding a bucket is two
 * loads and a shift. Negative values (latency under clock skew) use the mirrored keys, zero has a bucket of its own.
 * Only buckets in use take space: a second with three samples costs three entries.
 *
 * Buckets do not depend on the data, so merging histograms gives exactly the histogram of all their samples.
 */

/** Plain data: structured-clone-able and JSON as it is. `buckets` is flat: key, count, key, count …, keys ascending. */
export interface EncodedHistogram {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly buckets: readonly number[];
}

/** Bits of the double's high word below the seven mantissa bits that we keep (20 − 7). */
const DROPPED_BITS = 13;
const SMALLEST_TABLE = 8;

// One double seen as two words. The high word's place depends on the machine's byte order.
const asDouble = new Float64Array(1);
const asWords = new Uint32Array(asDouble.buffer);
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

/** Key of the bucket that holds a value: ordered like the values, 0 for zero. */
function keyOf(value: number): number {
  // Not `-value` for negatives alone: -0 is not below 0 and would keep its sign bit.
  asDouble[0] = Math.abs(value);
  const key = asWords[HIGH]! >>> DROPPED_BITS;
  return value < 0 ? -key : key;
}

/** The middle of a bucket. */
function middleOf(key: number): number {
  if (key === 0) return 0;
  const magnitude = key < 0 ? -key : key;
  asWords[1 - HIGH] = 0;
  asWords[HIGH] = magnitude << DROPPED_BITS;
  const lower = asDouble[0]!;
  asWords[HIGH] = (magnitude + 1) << DROPPED_BITS;
  const middle = lower + (asDouble[0]! - lower) / 2;
  return key < 0 ? -middle : middle;
}

export class Histogram {
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  /** Open-addressing table, a power of two long; a slot with count 0 is free. Kept by `reset`, so that a warm histogram does not allocate. */
  #keys = new Int32Array(SMALLEST_TABLE);
  #counts = new Float64Array(SMALLEST_TABLE);
  #used = 0;

  get count(): number {
    return this.#count;
  }
  get sum(): number {
    return this.#sum;
  }
  /** Smallest sample, exact; +Infinity when empty. */
  get min(): number {
    return this.#min;
  }
  /** Largest sample, exact; -Infinity when empty. */
  get max(): number {
    return this.#max;
  }
  /** Mean of the samples, exact; NaN when empty. */
  get mean(): number {
    return this.#sum / this.#count;
  }
  /** Buckets in use. */
  get size(): number {
    return this.#used;
  }

  /** Adds one sample. NaN and infinities are no measurements and are left out. */
  add(value: number): void {
    // True for NaN and both infinities only.
    if (value - value !== 0) return;
    this.#count++;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    this.#addTo(keyOf(value), 1);
  }

  /** Adds all samples of another histogram. */
  merge(other: Histogram): void {
    this.#mergeHead(other);
    for (let slot = 0; slot < other.#counts.length; slot++) {
      const count = other.#counts[slot]!;
      if (count > 0) this.#addTo(other.#keys[slot]!, count);
    }
  }

  /** Adds all samples of an encoded histogram. */
  mergeEncoded(encoded: EncodedHistogram): void {
    this.#mergeHead(encoded);
    const { buckets } = encoded;
    for (let i = 0; i + 1 < buckets.length; i += 2) this.#addTo(buckets[i]!, buckets[i + 1]!);
  }

  /**
   * The p-th percentile by nearest rank: the smallest sample that at least p % of all samples do not exceed, i.e. the
   * sample of rank ⌈p/100 · count⌉. The lowest and highest rank are exact, the others within 0.4 %.
   * @param p 0 to 100
   * @returns NaN when empty
   */
  percentile(p: number): number {
    if (this.#count === 0) return Number.NaN;
    const rank = rankOf(p, this.#count);
    if (rank <= 1) return this.#min;
    if (rank >= this.#count) return this.#max;
    let seen = 0;
    for (const key of this.#sortedKeys()) {
      seen += this.#counts[this.#slotOf(key)]!;
      if (seen >= rank) return Math.min(this.#max, Math.max(this.#min, middleOf(key)));
    }
    return this.#max;
  }

  /** Forgets the samples and keeps the memory. */
  reset(): void {
    this.#count = 0;
    this.#sum = 0;
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = Number.NEGATIVE_INFINITY;
    this.#counts.fill(0);
    this.#used = 0;
  }

  toJSON(): EncodedHistogram {
    const buckets: number[] = [];
    for (const key of this.#sortedKeys()) buckets.push(key, this.#counts[this.#slotOf(key)]!);
    return { count: this.#count, sum: this.#sum, min: this.#min, max: this.#max, buckets };
  }

  static fromJSON(encoded: EncodedHistogram): Histogram {
    const histogram = new Histogram();
    histogram.mergeEncoded(encoded);
    return histogram;
  }

  #mergeHead(other: { count: number; sum: number; min: number; max: number }): void {
    if (other.count === 0) return;
    this.#count += other.count;
    this.#sum += other.sum;
    if (other.min < this.#min) this.#min = other.min;
    if (other.max > this.#max) this.#max = other.max;
  }

  #sortedKeys(): Int32Array {
    const keys = new Int32Array(this.#used);
    let filled = 0;
    for (let slot = 0; slot < this.#counts.length; slot++) {
      if (this.#counts[slot]! > 0) keys[filled++] = this.#keys[slot]!;
    }
    return keys.sort();
  }

  /** The slot of a key, or the free slot where it belongs. */
  #slotOf(key: number): number {
    const mask = this.#keys.length - 1;
    // Samples around two distant values make two runs of neighbouring keys: spread them, or the runs would collide
    // and be probed from end to end. 2^32 / golden ratio (Knuth, TAOCP 6.4); the best bits of the product are the upper.
    let slot = (Math.imul(key, 0x9e3779b1) >>> 12) & mask;
    while (this.#counts[slot] !== 0 && this.#keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  #addTo(key: number, count: number): void {
    const slot = this.#slotOf(key);
    if (this.#counts[slot] === 0) {
      if (this.#used * 4 >= this.#keys.length * 3) {
        this.#grow();
        this.#addTo(key, count);
        return;
      }
      this.#keys[slot] = key;
      this.#used++;
    }
    this.#counts[slot]! += count;
  }

  #grow(): void {
    const keys = this.#keys;
    const counts = this.#counts;
    this.#keys = new Int32Array(keys.length * 2);
    this.#counts = new Float64Array(keys.length * 2);
    for (let slot = 0; slot < keys.length; slot++) {
      if (counts[slot] === 0) continue;
      const to = this.#slotOf(keys[slot]!);
      this.#keys[to] = keys[slot]!;
      this.#counts[to] = counts[slot]!;
    }
  }
}

/** Nearest rank, 1 to count. The tiny step back keeps 95 % of 20 at rank 19 where floating point says 19.000000000000004. */
export function rankOf(p: number, count: number): number {
  return Math.min(count, Math.max(1, Math.ceil((p / 100) * count - 1e-9)));
}
