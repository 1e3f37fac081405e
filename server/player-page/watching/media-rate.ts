const MAX_PIECES = 12;
const WINDOW_SECONDS = 6;

/** Bits per second of media, over the last seconds of it: of segments or parts, which come in bursts. */
export class MediaRate {
  #pieces: { readonly bytes: number; readonly seconds: number }[] = [];

  add(bytes: number, seconds: number): void {
    if (!(seconds > 0)) return;
    this.#pieces.push({ bytes, seconds });
    while (
      this.#pieces.length > MAX_PIECES ||
      this.#seconds() - (this.#pieces[0]?.seconds ?? 0) >= WINDOW_SECONDS
    )
      this.#pieces.shift();
  }

  /** Null: nothing has come yet. */
  bitsPerSecond(): number | null {
    const seconds = this.#seconds();
    return seconds === 0 ? null : (this.#pieces.reduce((sum, { bytes }) => sum + bytes, 0) * 8) / seconds;
  }

  #seconds(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.seconds, 0);
  }
}
