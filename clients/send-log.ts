/**
 * How far sending lags: remembers when bytes were handed to the socket, to know the age of the oldest that still wait.
 *
 *     written ───────────────────────────►
 *     ├── taken by the kernel ──┼── queued ──┤
 *                               └ its age
 */
export class SendLog {
  /** All bytes that the kernel has taken. */
  #flushedBytes = 0;
  #writtenBytes = 0;
  #progressMs = 0;
  #captureLagMs = 0;
  /** End offsets and times of writes that had to wait; empty while the server keeps up. */
  readonly #waiting: { endBytes: number; atMs: number }[] = [];

  /** A new connection: nothing waits. */
  reset(nowMs: number): void {
    this.#writtenBytes = this.#flushedBytes;
    this.#waiting.length = 0;
    this.#progressMs = nowMs;
  }

  get sentBytes(): number {
    return this.#flushedBytes;
  }

  wrote(bytes: number, nowMs: number, queuedBytes: number): void {
    this.#writtenBytes += bytes;
    if (queuedBytes > 0) this.#waiting.push({ endBytes: this.#writtenBytes, atMs: nowMs });
    this.flushed(queuedBytes, nowMs);
  }

  flushed(queuedBytes: number, nowMs: number): void {
    const flushedBytes = Math.max(this.#flushedBytes, this.#writtenBytes - queuedBytes);
    if (flushedBytes > this.#flushedBytes || queuedBytes === 0) this.#progressMs = nowMs;
    this.#flushedBytes = flushedBytes;
    let gone = 0;
    while (gone < this.#waiting.length && this.#waiting[gone]!.endBytes <= flushedBytes) gone += 1;
    if (gone > 0) this.#waiting.splice(0, gone);
  }

  /** How long after its capture the last frame was handed to the socket. */
  captured(lagMs: number): void {
    this.#captureLagMs = lagMs;
  }

  /** How far sending is behind capture. */
  behindMs(nowMs: number): number {
    const oldest = this.#waiting[0];
    return this.#captureLagMs + (oldest === undefined ? 0 : nowMs - oldest.atMs);
  }

  /** How long bytes have waited without any being taken; 0 while nothing waits. */
  stuckMs(nowMs: number): number {
    return this.#waiting.length === 0 ? 0 : nowMs - this.#progressMs;
  }
}
