/**
 * What is to happen when: a binary heap, earliest first; of equal times, first put in first.
 *
 *              1            children of i: 2i+1, 2i+2
 *           /     \
 *         4         2
 *        / \       /
 *       7   5     3
 */
export class TimeQueue<T> {
  readonly #entries: { readonly atMs: number; readonly order: number; readonly item: T }[] = [];
  #order = 0;

  get size(): number {
    return this.#entries.length;
  }

  /** When the earliest is due; +Infinity when there is none. */
  get nextMs(): number {
    return this.#entries[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  push(atMs: number, item: T): void {
    const entries = this.#entries;
    entries.push({ atMs, order: this.#order++, item });
    let child = entries.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#before(child, parent)) break;
      this.#swap(child, parent);
      child = parent;
    }
  }

  /** Takes the earliest out. */
  pop(): T | undefined {
    const entries = this.#entries;
    const [first] = entries;
    const last = entries.pop();
    if (first === undefined || last === undefined || entries.length === 0) return first?.item;
    entries[0] = last;
    let parent = 0;
    for (;;) {
      let least = 2 * parent + 1;
      if (least >= entries.length) break;
      if (least + 1 < entries.length && this.#before(least + 1, least)) least++;
      if (!this.#before(least, parent)) break;
      this.#swap(least, parent);
      parent = least;
    }
    return first.item;
  }

  clear(): void {
    this.#entries.length = 0;
  }

  #before(a: number, b: number): boolean {
    const left = this.#entries[a]!;
    const right = this.#entries[b]!;
    return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
  }

  #swap(a: number, b: number): void {
    const kept = this.#entries[a]!;
    this.#entries[a] = this.#entries[b]!;
    this.#entries[b] = kept;
  }
}
