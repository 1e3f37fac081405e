/** First size of a ring, and what an empty one may keep. */
const SMALL_BYTES = 8 * 1024;

/**
 * Bytes on their way, with the time at which each piece is due: a ring that grows as it must and is given back when
 * it is empty. Who fills it looks at `bytes` and stops in time.
 *
 *     take ◄── [ piece due 10 | piece due 14 | piece due 20 | … free … ] ◄── push
 */
export class DelayLine {
  #ring: Uint8Array = nothing;
  #head = 0;
  #held = 0;
  readonly #pieces: Piece[] = [];
  /** Pieces before this one are gone. */
  #first = 0;

  /** Bytes held. */
  get bytes(): number {
    return this.#held;
  }

  /** When the first piece is due; `Infinity`: there is none. */
  get dueMs(): number {
    return this.#pieces[this.#first]?.dueMs ?? Number.POSITIVE_INFINITY;
  }

  /** Copies `bytes[0, end)`. `dueMs` is never less than that of the piece before. */
  push(bytes: Uint8Array, end: number, dueMs: number): void {
    this.#reserve(this.#held + end);
    const ring = this.#ring;
    const at = (this.#head + this.#held) & (ring.length - 1);
    const untilWrap = Math.min(end, ring.length - at);
    ring.set(bytes.subarray(0, untilWrap), at);
    if (untilWrap < end) ring.set(bytes.subarray(untilWrap, end), 0);
    this.#held += end;
    this.#pieces.push({ dueMs, left: end });
  }

  /** Copies what is due by now to the front of `into`, as much as goes in; how many bytes that were. */
  take(nowMs: number, into: Uint8Array): number {
    let taken = 0;
    while (this.dueMs <= nowMs && taken < into.length) {
      const piece = this.#pieces[this.#first]!;
      const count = Math.min(piece.left, into.length - taken);
      this.#copy(into, taken, count);
      taken += count;
      piece.left -= count;
      if (piece.left === 0) this.#first++;
    }
    this.#tidy();
    return taken;
  }

  #copy(into: Uint8Array, at: number, count: number): void {
    const ring = this.#ring;
    const untilWrap = Math.min(count, ring.length - this.#head);
    into.set(ring.subarray(this.#head, this.#head + untilWrap), at);
    if (untilWrap < count) into.set(ring.subarray(0, count - untilWrap), at + untilWrap);
    this.#head = (this.#head + count) & (ring.length - 1);
    this.#held -= count;
  }

  #tidy(): void {
    if (this.#first === this.#pieces.length) {
      this.#pieces.length = 0;
      this.#first = 0;
      if (this.#ring.length > SMALL_BYTES) this.#ring = nothing;
    } else if (this.#first > 64 && this.#first * 2 > this.#pieces.length) {
      this.#pieces.splice(0, this.#first);
      this.#first = 0;
    }
  }

  /** The ring's size is a power of two. */
  #reserve(bytes: number): void {
    if (bytes <= this.#ring.length) return;
    let size = Math.max(SMALL_BYTES, this.#ring.length);
    while (size < bytes) size *= 2;
    const larger = new Uint8Array(size);
    const held = this.#held;
    if (held > 0) this.#copy(larger, 0, held);
    this.#ring = larger;
    this.#head = 0;
    this.#held = held;
  }
}

interface Piece {
  readonly dueMs: number;
  left: number;
}

const nothing = new Uint8Array(0);
