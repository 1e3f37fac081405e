/**
 * When the next picture is due: time is cut into slots of one frame interval, and each slot takes one picture or none.
 *
 *     slot   0     1     2     3     4     5
 *            █     █     ·     █     █
 *                        └ the encoder was busy: skipped, and counted; the later ones stay where they are
 */
export class FrameSlots {
  readonly #intervalMs: number;
  #startMs = 0;
  #next = 0;
  #skipped = 0;

  constructor(fps: number) {
    this.#intervalMs = 1_000 / fps;
  }

  /** Slots that went by without a picture. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Slot 0 begins now. */
  start(nowMs: number): void {
    this.#startMs = nowMs;
    this.#next = 0;
  }

  /** The slot that takes a picture now; null if the picture of this slot has been taken. */
  take(nowMs: number): number | null {
    // A timer may fire a hair early.
    const slot = Math.floor((nowMs - this.#startMs) / this.#intervalMs + 1e-3);
    if (slot < this.#next) return null;
    this.#skipped += slot - this.#next;
    this.#next = slot + 1;
    return slot;
  }

  /** Milliseconds until the next slot begins; 0 if one waits for its picture. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#startMs + this.#next * this.#intervalMs - nowMs);
  }

  /** Media time of a slot. */
  mediaMs(slot: number): number {
    return slot * this.#intervalMs;
  }

  /** The slot shown at a media time, which encoders and containers round. */
  slotAt(mediaMs: number): number {
    return Math.round(mediaMs / this.#intervalMs);
  }
}
