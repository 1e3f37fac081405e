/**
 * One direction of a link as a pure function of time: bytes go in when they arrive and come out when a line with this
 * delay and this bit rate would have delivered them.
 *
 *     arrive ──► serialise (rate, burst) ──► delay + jitter ──► hold (a cut) ──► release
 *
 * Due times are absolute and are computed when bytes arrive, so late timers delay single pieces but never add up.
 * Order is always kept, as TCP keeps it.
 */
export interface LinkShape {
  /** One-way delay. */
  readonly delayMs?: number;
  /** Up to so much more, differently for each piece. */
  readonly jitterMs?: number;
  /** Left out: as fast as the machine. */
  readonly bitsPerSecond?: number;
  /** What may pass at once after a pause. Default 4,096. */
  readonly burstBytes?: number;
}

interface Piece {
  readonly bytes: Uint8Array;
  /** When the line has carried the last of its bytes; a piece before it that is later, or a cut, holds it back. */
  readonly dueMs: number;
}

/** A throttled line hands over what it carries in so much time as one piece. */
const PIECE_MS = 10;
const MIN_PIECE_BYTES = 256;
/** A line that is busy for longer than this takes nothing more from the sender, … */
const FULL_MS = 100;
/** … and takes more again when it is busy for less than this. */
const READY_MS = 50;

export class LinkQueue {
  #shape: Required<LinkShape>;
  readonly #random: () => number;
  readonly #pieces: Piece[] = [];
  #lineFreeMs = Number.NEGATIVE_INFINITY;
  #holdUntilMs = Number.NEGATIVE_INFINITY;

  constructor(shape: LinkShape, random: () => number) {
    this.#random = random;
    this.#shape = complete(shape);
  }

  /** For bytes that arrive from now on. */
  reshape(shape: LinkShape): void {
    this.#shape = complete(shape);
  }

  /** Nothing comes out before this moment. `Infinity` for ever; an earlier moment than before ends a cut early. */
  holdUntil(ms: number): void {
    this.#holdUntilMs = ms;
  }

  get empty(): boolean {
    return this.#pieces.length === 0;
  }

  /**
   * Whether the sender must wait: the line is cut, or has more to carry than it soon can.
   * Bytes that are under way (delay) do not press back.
   */
  full(nowMs: number): boolean {
    return nowMs < this.#holdUntilMs || this.#lineFreeMs - nowMs > FULL_MS;
  }

  /** The next moment at which `release` or `full` have something new to say; `Infinity`: not without new bytes. */
  nextChangeMs(nowMs: number): number {
    if (nowMs < this.#holdUntilMs) return this.#holdUntilMs;
    const dueMs = this.#pieces[0]?.dueMs ?? Number.POSITIVE_INFINITY;
    return this.full(nowMs) ? Math.min(dueMs, this.#lineFreeMs - READY_MS) : dueMs;
  }

  arrive(bytes: Uint8Array, nowMs: number): void {
    const { bitsPerSecond, burstBytes, delayMs, jitterMs } = this.#shape;
    const bytesPerMs = bitsPerSecond / 8_000;
    const step = Math.max(MIN_PIECE_BYTES, Math.round(bytesPerMs * PIECE_MS));
    for (let at = 0; at < bytes.length; at += step) {
      const piece = bytesPerMs === Number.POSITIVE_INFINITY ? bytes : bytes.subarray(at, at + step);
      // A line that was idle has saved up at most the burst.
      this.#lineFreeMs =
        Math.max(this.#lineFreeMs, nowMs - burstBytes / bytesPerMs) + piece.length / bytesPerMs;
      const sentMs = Math.max(nowMs, this.#lineFreeMs);
      this.#pieces.push({ bytes: piece, dueMs: sentMs + delayMs + this.#random() * jitterMs });
      if (piece === bytes) break;
    }
  }

  /** The pieces that are due by now, in order. */
  release(nowMs: number): Uint8Array[] {
    if (nowMs < this.#holdUntilMs) return [];
    let count = 0;
    while (count < this.#pieces.length && this.#pieces[count]!.dueMs <= nowMs) count++;
    return this.#pieces.splice(0, count).map((piece) => piece.bytes);
  }
}

function complete(shape: LinkShape): Required<LinkShape> {
  return {
    delayMs: shape.delayMs ?? 0,
    jitterMs: shape.jitterMs ?? 0,
    bitsPerSecond: shape.bitsPerSecond ?? Number.POSITIVE_INFINITY,
    burstBytes: shape.burstBytes ?? 4_096,
  };
}
