import type { Connection } from './connect.ts';

/** What a thousand publishers send in one tick goes out in writes of far less than this. */
const BUFFER_BYTES = 256 * 1024;
/** A piece from here on is handed to the socket as it is: a copy would cost more than a write of its own. */
const LARGE_PIECE_BYTES = 64 * 1024;

/**
 * Where a batch of tags is put together for one write: one buffer for all publishers of a thread. Where the kernel has
 * taken a batch, the next one is written over it; what waits for a slow server (or for TLS) keeps its place.
 *
 *     │ waits │ waits │ header │ frame │ stamp │ frame │ header │ sound │ …  free │
 *                     ▲ start                                           ▲ end
 *
 * A write of one piece costs a third of a `writev` of these, and nothing is allocated while servers keep up.
 */
export class SendBuffer {
  #buffer: Buffer | null = null;
  /** Of the batch, in the buffer. */
  #start = 0;
  #end = 0;
  #connection: Connection | null = null;
  #writtenBytes = 0;

  /** Begins a batch for a connection. */
  begin(connection: Connection): void {
    this.#connection = connection;
    this.#end = this.#start;
    this.#writtenBytes = 0;
  }

  put(piece: Uint8Array): void {
    const { length } = piece;
    if (length >= LARGE_PIECE_BYTES) {
      this.#write();
      this.#connection?.write([piece]);
      this.#writtenBytes += length;
      return;
    }
    const at = this.reserve(length);
    this.bytes.set(piece, at);
  }

  /** Makes room for a few bytes, to be written into `bytes` at the given index before the next call. */
  reserve(length: number): number {
    if (this.#end + length > BUFFER_BYTES) {
      this.#write();
      if (this.#start + length > BUFFER_BYTES) {
        // The old one lives as long as something in it waits.
        this.#buffer = null;
        this.#start = 0;
        this.#end = 0;
      }
    }
    const at = this.#end;
    this.#end += length;
    return at;
  }

  get bytes(): Buffer {
    this.#buffer ??= Buffer.allocUnsafeSlow(BUFFER_BYTES);
    return this.#buffer;
  }

  /** Sends the batch; gives its size. */
  flush(): number {
    this.#write();
    this.#connection = null;
    return this.#writtenBytes;
  }

  #write(): void {
    const connection = this.#connection;
    const bytes = this.#end - this.#start;
    if (bytes === 0 || connection === null) return;
    connection.write([this.bytes.subarray(this.#start, this.#end)]);
    this.#writtenBytes += bytes;
    // Node writes at once what the kernel takes (libuv's uv_try_write); what is left over is kept by reference.
    if (connection.queuedBytes > 0) this.#start = this.#end;
    else this.#end = this.#start;
  }
}

/** Of this thread. A batch is begun and flushed in one go, so no two publishers meet in it. */
export const sendBuffer = new SendBuffer();
