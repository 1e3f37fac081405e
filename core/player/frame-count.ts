/**
 * Counts frames by the numbers in their stamps: each once, and those that are missing.
 *
 * With B-frames the numbers come out of order (0 4 2 1 3 …), and after a reconnect a server sends its last GOP once
 * more. So the last 32 numbers are a window of bits, newest first; what leaves it unseen has been lost.
 */
export class FrameCount {
  #frames = 0;
  #missing = 0;
  #publisher = -1;
  /** Number and capture time of the newest frame. */
  #newest = 0;
  #newestCaptureUs = 0;
  /** Bit i: frame `#newest - i` was seen, or is before the first one. */
  #seen = -1;
  /** How far behind the newest a frame was when it came, at most: the window's youngest part may still fill up. */
  #reorder = 0;
  #resuming = false;

  get frames(): number {
    return this.#frames;
  }

  /** Missing for good: too old to come any more. */
  get missingSettled(): number {
    return this.#missing;
  }

  /** Missing by now: also those that are younger, unless by this stream's habit they may still come. */
  get missing(): number {
    const settled = this.#reorder + 1;
    return this.#missing + zeros(this.#seen >>> settled, WINDOW - settled);
  }

  /** A frame without a stamp. */
  addUnstamped(): void {
    this.#frames++;
  }

  /** The connection was lost: what was sent meanwhile is not missing, and what is sent again is not new. */
  resume(): void {
    this.#resuming = true;
  }

  /** False: this frame was here before. */
  add(publisher: number, frame: number, captureUs: number): boolean {
    const behind = this.#newest - frame;
    if (publisher !== this.#publisher || (behind >= 0 && captureUs > this.#newestCaptureUs)) {
      // The first frame, another publisher, or the same one started anew: numbers go back, but time goes on.
      this.#missing = this.missing;
      this.#publisher = publisher;
      this.#reorder = 0;
      this.#begin(frame, captureUs);
      return true;
    }
    if (behind < 0) {
      const ahead = -behind;
      if (this.#resuming) {
        this.#begin(frame, captureUs);
        return true;
      }
      if (ahead >= WINDOW) {
        this.#missing += zeros(this.#seen, WINDOW) + (ahead - WINDOW);
        this.#seen = 1;
      } else {
        // What is shifted out at the top unseen is lost.
        this.#missing += zeros(this.#seen >>> (WINDOW - ahead), ahead);
        this.#seen = (this.#seen << ahead) | 1;
      }
      this.#newest = frame;
      this.#newestCaptureUs = captureUs;
      this.#frames++;
      return true;
    }
    if (behind >= WINDOW) return false;
    const bit = 1 << behind;
    if (this.#seen & bit) return false;
    this.#seen |= bit;
    if (behind > this.#reorder) this.#reorder = behind;
    this.#frames++;
    return true;
  }

  #begin(frame: number, captureUs: number): void {
    this.#resuming = false;
    this.#newest = frame;
    this.#newestCaptureUs = captureUs;
    this.#seen = -1;
    this.#frames++;
  }
}

const WINDOW = 32;

/** How many of the lowest `width` bits are 0. */
function zeros(bits: number, width: number): number {
  if (width <= 0) return 0;
  let unset = width === WINDOW ? ~bits : ~bits & ((1 << width) - 1);
  let count = 0;
  while (unset !== 0) {
    unset &= unset - 1;
    count++;
  }
  return count;
}
