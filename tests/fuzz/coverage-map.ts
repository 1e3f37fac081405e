/**
 * Which branches were taken, and roughly how often, over all inputs so far. As in AFL, numbers of times are put in classes
 * (1, 2, 3, 4–7, 8–15, 16–31, 32–127, 128 and more): a loop that runs ten times instead of eleven is nothing new.
 */
export class CoverageMap {
  /** What the code under test counts in; zero before each input. */
  readonly counters: Uint8Array;
  /** Per branch: a bit for each class seen. */
  readonly #seen: Uint8Array;

  constructor(branches: number) {
    this.counters = new Uint8Array(branches);
    this.#seen = new Uint8Array(branches);
  }

  /** Takes what one input did, and clears the counters. True: it did something that no input before it had done. */
  absorb(): boolean {
    const { counters } = this;
    const seen = this.#seen;
    let news = false;
    for (let branch = 0; branch < counters.length; branch++) {
      const times = counters[branch]!;
      if (times === 0) continue;
      const bit = classBits[times]!;
      if ((seen[branch]! & bit) === 0) {
        seen[branch]! |= bit;
        news = true;
      }
    }
    counters.fill(0);
    return news;
  }

  /** Branches that some input has taken. */
  get covered(): number {
    return this.#seen.reduce((sum, bits) => sum + (bits > 0 ? 1 : 0), 0);
  }
}

const classBits = Uint8Array.from({ length: 256 }, (_, times) => {
  if (times === 0) return 0;
  if (times <= 3) return 1 << (times - 1);
  const limits = [8, 16, 32, 128];
  const above = limits.findIndex((limit) => times < limit);
  return 1 << (3 + (above < 0 ? limits.length : above));
});
