/** Bytes that are written one after the other, in a buffer that grows: what the muxers write into. */
export class GrowingBytes {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 4096) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** What has been written: a view, good until the next write. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  add(bytes: Uint8Array): void {
    const at = this.grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  add8(value: number): void {
    const at = this.grow(1);
    this.#bytes[at] = value;
  }

  add16(value: number): void {
    const at = this.grow(2);
    this.#view.setUint16(at, value);
  }

  add24(value: number): void {
    this.add8(value >>> 16);
    this.add16(value & 0xffff);
  }

  add32(value: number): void {
    const at = this.grow(4);
    this.#view.setUint32(at, value);
  }

  /** Exact up to 2^53. */
  add64(value: number): void {
    this.add32(Math.floor(value / 2 ** 32));
    this.add32(value % 2 ** 32);
  }

  zeros(count: number): void {
    const at = this.grow(count);
    this.#bytes.fill(0, at, at + count);
  }

  /** Writes over what is at `at`. */
  put32(at: number, value: number): void {
    this.#view.setUint32(at, value);
  }

  /** Room for `count` more bytes, whose content is undefined; gives where they begin in `written`. */
  grow(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.written);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = needed;
    return at;
  }

  /** A copy of what has been written, of its own size; then it is empty again. */
  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return bytes;
  }
}
