import zlib from 'node:zlib';

/** Content codings that are undone (RFC 9110, 8.4.1; RFC 7932). */
export type ContentCoding = 'gzip' | 'deflate' | 'br';

/** `null`: none. `undefined`: one that is not understood, or several on top of each other. */
export function contentCoding(field: string | undefined): ContentCoding | null | undefined {
  const name = field?.trim().toLowerCase();
  if (name === undefined || name === '' || name === 'identity') return null;
  if (name === 'gzip' || name === 'x-gzip') return 'gzip';
  return name === 'deflate' || name === 'br' ? name : undefined;
}

type Decompressor = zlib.Gunzip | zlib.Inflate | zlib.InflateRaw | zlib.BrotliDecompress;

/** Whoever wants the decoded content. */
export interface DecodedSink {
  body(bytes: Uint8Array, start: number, end: number): void;
  /** All has been decoded. */
  decoded(): void;
  /** It cannot be decoded, or becomes too large: what is wrong, as it follows "host:port". */
  undecodable(problem: string): void;
  /** What was pushed of late is used up: more may come (see `saturated`). */
  drained(): void;
}

export interface DecodeLimits {
  /** Most bytes of decoded content. */
  readonly bodyBytes: number;
  readonly expansion: number;
  readonly expansionFromBytes: number;
}

/**
 * Undoes the coding of one answer.
 *
 *     ≤ 64 KiB as coded (playlists):  held ─── at the end, at once ──────────► body
 *     more:                           copied ─► zlib stream, a thread of Node's ─► body, body …
 *
 * At once is several times cheaper for what is small: a stream costs a trip to another thread and back per piece
 * (`npm run bench -- http-request`). What is large must not hold up the other viewers, nor be kept whole.
 */
export class ContentDecoder {
  readonly #coding: ContentCoding;
  readonly #limits: DecodeLimits;
  readonly #sink: DecodedSink;
  #held: Uint8Array;
  #heldBytes = 0;
  #inBytes = 0;
  #outBytes = 0;
  #stream: Decompressor | null = null;
  #saturated = false;
  #done = false;

  /** `expectedBytes`: as coded, where the header said. */
  constructor(coding: ContentCoding, expectedBytes: number | null, limits: DecodeLimits, sink: DecodedSink) {
    this.#coding = coding;
    this.#limits = limits;
    this.#sink = sink;
    this.#held = new Uint8Array(Math.min(expectedBytes ?? FIRST_HELD_BYTES, MAX_HELD_BYTES));
  }

  /** Read no more from the socket until `drained`: zlib is behind. */
  get saturated(): boolean {
    return this.#saturated;
  }

  push(bytes: Uint8Array, start: number, end: number): void {
    if (this.#done) return;
    this.#inBytes += end - start;
    if (this.#stream === null && this.#hold(bytes, start, end)) return;
    this.#stream ??= this.#startStream(bytes[start]!);
    // The receive buffer is overwritten before zlib's thread comes to it.
    this.#saturated = !this.#stream.write(bytes.slice(start, end));
    if (this.#stream.writableLength > MAX_BEHIND_BYTES) {
      this.#fail(`sends ${this.#coding} faster than it can be decoded here`);
    }
  }

  /** All of the coded content has been pushed. */
  end(): void {
    if (this.#done) return;
    if (this.#stream) this.#stream.end();
    else this.#decodeHeld();
  }

  /** Nobody wants it any more. */
  destroy(): void {
    this.#done = true;
    this.#stream?.destroy();
    this.#stream = null;
    this.#held = NOTHING;
  }

  #hold(bytes: Uint8Array, start: number, end: number): boolean {
    const total = this.#heldBytes + end - start;
    if (total > MAX_HELD_BYTES) return false;
    if (total > this.#held.length) {
      const larger = new Uint8Array(Math.min(MAX_HELD_BYTES, Math.max(total, 2 * this.#held.length)));
      larger.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = larger;
    }
    this.#held.set(bytes.subarray(start, end), this.#heldBytes);
    this.#heldBytes = total;
    return true;
  }

  #decodeHeld(): void {
    const coded = this.#held.subarray(0, this.#heldBytes);
    this.#held = NOTHING;
    this.#done = true;
    // An answer without content, as some servers send to a conditional request, is not even a gzip header.
    if (coded.length === 0) {
      this.#sink.decoded();
      return;
    }
    let content: Uint8Array;
    try {
      content = decodeAtOnce(this.#coding, coded, this.#mostBytes());
    } catch (error) {
      this.#sink.undecodable(this.#describe(error));
      return;
    }
    if (content.length > 0) this.#sink.body(content, 0, content.length);
    this.#sink.decoded();
  }

  /** `next`: the first byte that is not held. */
  #startStream(next: number): Decompressor {
    const coded = this.#held.slice(0, this.#heldBytes);
    const stream = createStream(this.#coding, coded[0] ?? next);
    this.#held = NOTHING;
    stream.on('data', (content: Uint8Array) => {
      if (this.#done) return;
      this.#outBytes += content.length;
      if (this.#outBytes > this.#mostBytes()) this.#fail(this.#tooLarge());
      else this.#sink.body(content, 0, content.length);
    });
    stream.on('drain', () => {
      if (this.#done) return;
      this.#saturated = false;
      this.#sink.drained();
    });
    stream.on('end', () => {
      if (this.#done) return;
      this.#done = true;
      this.#sink.decoded();
    });
    stream.on('error', (error) => this.#fail(this.#describe(error)));
    if (coded.length > 0) stream.write(coded);
    return stream;
  }

  #fail(problem: string): void {
    if (this.#done) return;
    this.destroy();
    this.#sink.undecodable(problem);
  }

  /** Decoded content may grow so far, by what has come of the coded. */
  #mostBytes(): number {
    const { bodyBytes, expansion, expansionFromBytes } = this.#limits;
    return Math.min(bodyBytes, Math.max(expansionFromBytes, expansion * this.#inBytes));
  }

  #describe(error: unknown): string {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') return this.#tooLarge();
    return `sent content that is not the ${this.#coding} that its header says (${message}); check what compresses it`;
  }

  #tooLarge(): string {
    return `sent ${this.#inBytes} bytes of ${this.#coding} that become more than ${this.#mostBytes()}, as a compression bomb does; check what is served there`;
  }
}

/** A playlist of 1,500 segments; 64 KiB are decoded within a millisecond. */
const MAX_HELD_BYTES = 64 * 1024;
/** The socket is held up long before, unless a simulated link reads it. */
const MAX_BEHIND_BYTES = 4 * 1024 * 1024;
const FIRST_HELD_BYTES = 2 * 1024;
const NOTHING = new Uint8Array(0);

function decodeAtOnce(coding: ContentCoding, coded: Uint8Array, maxOutputLength: number): Uint8Array {
  const options = { maxOutputLength };
  if (coding === 'gzip') return zlib.gunzipSync(coded, options);
  if (coding === 'br') return zlib.brotliDecompressSync(coded, options);
  return hasZlibHeader(coded[0]!) ? zlib.inflateSync(coded, options) : zlib.inflateRawSync(coded, options);
}

function createStream(coding: ContentCoding, firstByte: number): Decompressor {
  if (coding === 'gzip') return zlib.createGunzip();
  if (coding === 'br') return zlib.createBrotliDecompress();
  return hasZlibHeader(firstByte) ? zlib.createInflate() : zlib.createInflateRaw();
}

/** "deflate" means the zlib format (RFC 1950); old servers send the bare RFC 1951 instead. Method 8 in the low half tells them apart well enough. */
function hasZlibHeader(firstByte: number): boolean {
  return (firstByte & 0x0f) === 8;
}
