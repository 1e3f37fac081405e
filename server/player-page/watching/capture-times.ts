import type { Stamp } from '../../../core/stamp/stamp.ts';

/** Over a minute at 60 frames a second: more than a live player buffers. */
const MAX_FRAMES = 4_096;

interface StampedTime {
  readonly mediaMs: number;
  readonly stamp: Stamp;
}

/** Which frame is shown at a time of the medium: stamps by presentation time, those of the last minute. */
export class CaptureTimes {
  /** Sorted. Frames come in decoding order, so an insertion is near the end. */
  #frames: StampedTime[] = [];

  add(mediaMs: number, stamp: Stamp): void {
    const at = this.#firstFrom(mediaMs);
    // A segment that is parsed again brings the same frames.
    const replaced = this.#frames[at]?.mediaMs === mediaMs ? 1 : 0;
    this.#frames.splice(at, replaced, { mediaMs, stamp });
    if (this.#frames.length > MAX_FRAMES) this.#frames = this.#frames.slice(MAX_FRAMES / 8);
  }

  get size(): number {
    return this.#frames.length;
  }

  /** The stamp of the frame nearest to `mediaMs`, at most `toleranceMs` away; null: none is known. */
  at(mediaMs: number, toleranceMs: number): Stamp | null {
    const next = this.#firstFrom(mediaMs);
    let nearest: StampedTime | null = null;
    for (const frame of [this.#frames[next - 1], this.#frames[next]]) {
      if (frame === undefined || Math.abs(frame.mediaMs - mediaMs) > toleranceMs) continue;
      if (nearest === null || Math.abs(frame.mediaMs - mediaMs) < Math.abs(nearest.mediaMs - mediaMs))
        nearest = frame;
    }
    return nearest?.stamp ?? null;
  }

  /** Index of the first frame at or after `mediaMs`. */
  #firstFrom(mediaMs: number): number {
    let low = 0;
    let high = this.#frames.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#frames[middle]!.mediaMs < mediaMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
