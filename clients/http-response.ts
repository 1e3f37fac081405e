import { ProtocolError } from '../core/media.ts';
import { type HttpHead, readHead } from './http-head.ts';

export type { HttpHead } from './http-head.ts';

export interface HttpResponseSink {
  /** Once, when the header is complete. A throw ends reading. */
  head(head: HttpHead): void;
  /** An answer before the answer proper (RFC 9110, 15.2), such as 100 Continue. */
  interim?(status: number): void;
  /** Content, chunked coding undone. `bytes` is the caller's buffer: not to be kept. */
  body(bytes: Uint8Array, start: number, end: number): void;
}

/**
 * Reads an HTTP/1.x response (RFC 9112) whose content may never end, without copying the content; and then, after
 * `again`, the next one of the same connection.
 *
 *     status line, headers │ 1f4 CRLF  500 bytes  CRLF │ 1f4 CRLF … │ 0 CRLF trailers CRLF
 *     └── ≤ 64 KiB ────────┘           └ body() ─┘
 *
 * Node's own client hands out a new Buffer per chunk of the peer and runs a stream for it; a server that writes each
 * FLV tag as a chunk makes that the larger part of a viewer's cost (docs/adr/0008-own-http-reader.md).
 */
export class HttpResponseReader {
  readonly #sink: HttpResponseSink;
  readonly #maxHeadBytes: number;
  #state: State = HEAD;
  #persistent = false;
  #interim = 0;
  /** Bytes left of the content or of the chunk. */
  #left = 0;
  /** A header that came in more than one piece. */
  #held = NOTHING;
  #heldBytes = 0;
  /** Characters of the present chunk-size or trailer line, and what it said so far. */
  #lineBytes = 0;
  #size = 0;
  #sizeDone = false;

  constructor(sink: HttpResponseSink, maxHeadBytes = MAX_HEAD_BYTES) {
    this.#sink = sink;
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** The header has been read: this is HTTP, and an answer. */
  get hasHead(): boolean {
    return this.#state !== HEAD;
  }

  /** All content that the header announced has come; what comes after it is ignored. */
  get complete(): boolean {
    return this.#state === DONE;
  }

  /** Content that goes on until the connection is closed (neither length nor chunks were announced). */
  get endsWithConnection(): boolean {
    return this.#state === UNTIL_CLOSE;
  }

  /** The connection may carry another response after this one (RFC 9112, 9.3). Known from the header on. */
  get persistent(): boolean {
    return this.#persistent;
  }

  /** A complete response is behind: what is pushed from now on is the next. */
  again(): void {
    this.#state = HEAD;
    this.#persistent = false;
    this.#interim = 0;
  }

  /**
   * Takes `bytes[start, end)` and returns where this response ended in there: `end`, unless more has come than belongs to
   * it. Throws a `ProtocolError` (`HTTP_…`) on what is not HTTP; the reader is of no use after that.
   */
  push(bytes: Uint8Array, start = 0, end = bytes.length): number {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case CHUNK_DATA: {
          const taken = Math.min(this.#left, end - at);
          this.#left -= taken;
          if (this.#left === 0) this.#state = CHUNK_END;
          this.#sink.body(bytes, at, at + taken);
          at += taken;
          break;
        }
        case CHUNK_END:
        case CHUNK_SIZE:
          at = this.#readChunkSize(bytes, at, end);
          break;
        case UNTIL_CLOSE:
          this.#sink.body(bytes, at, end);
          return end;
        case LENGTH: {
          const taken = Math.min(this.#left, end - at);
          this.#left -= taken;
          if (this.#left === 0) this.#state = DONE;
          this.#sink.body(bytes, at, at + taken);
          at += taken;
          break;
        }
        case TRAILER:
          at = this.#skipTrailer(bytes, at, end);
          break;
        case HEAD:
          at = this.#readHead(bytes, at, end);
          break;
        case DONE:
          return at;
      }
    }
    return at;
  }

  #readHead(bytes: Uint8Array, start: number, end: number): number {
    if (this.#heldBytes === 0) {
      checkBeginning(bytes, start, end);
      const headEnd = findHeadEnd(bytes, start, end, start);
      if (headEnd > 0) {
        this.#begin(bytes, start, headEnd);
        return headEnd;
      }
    }
    // It goes on in the next piece, or began in an earlier one.
    const before = this.#heldBytes;
    if (before + (end - start) > this.#held.length) {
      const larger = new Uint8Array(Math.min(this.#maxHeadBytes, 2 * (before + end - start)));
      larger.set(this.#held.subarray(0, before));
      this.#held = larger;
    }
    const taken = Math.min(end - start, this.#held.length - before);
    this.#held.set(bytes.subarray(start, start + taken), before);
    this.#heldBytes = before + taken;
    checkBeginning(this.#held, 0, this.#heldBytes);
    const headEnd = findHeadEnd(this.#held, 0, this.#heldBytes, before);
    if (headEnd > 0) {
      const held = this.#held;
      this.#held = NOTHING;
      this.#heldBytes = 0;
      this.#begin(held, 0, headEnd);
      return start + headEnd - before;
    }
    if (this.#heldBytes === this.#maxHeadBytes) throw headTooLarge(this.#maxHeadBytes);
    return start + taken;
  }

  #begin(bytes: Uint8Array, start: number, headEnd: number): void {
    if (headEnd - start > this.#maxHeadBytes) throw headTooLarge(this.#maxHeadBytes);
    const head = readHead(latin1(bytes, start, headEnd));
    // RFC 9110, 15.2: 1xx come before the answer proper.
    if (head.status < 200 && head.status !== 101) {
      if (++this.#interim > MAX_INTERIM) {
        throw new ProtocolError('HTTP_INTERIM', `expected an answer after ${MAX_INTERIM} interim ones`);
      }
      this.#sink.interim?.(head.status);
      return;
    }
    this.#frame(head);
    // "HTTP/1.0": the minor version is the eighth character.
    this.#persistent = persists(head, bytes[start + 7] === DIGIT_0, this.#state);
    this.#sink.head(head);
  }

  /** RFC 9112, 6.3: how the content is delimited. */
  #frame({ status, headers }: HttpHead): void {
    const coding = headers.get('transfer-encoding')?.toLowerCase();
    const length = headers.get('content-length');
    // RFC 9110, 7.8: what follows is another protocol, whatever the headers say of content.
    if (status === 101) this.#state = UNTIL_CLOSE;
    else if (status === 204 || status === 304) this.#state = DONE;
    else if (coding === 'chunked') this.#startChunk();
    else if (coding !== undefined && coding !== 'identity') {
      throw new ProtocolError('HTTP_TRANSFER_CODING', `expected chunked transfer coding, got "${coding}"`);
    } else if (length === undefined) this.#state = UNTIL_CLOSE;
    else {
      if (!/^\d{1,15}$/.test(length)) {
        throw new ProtocolError(
          'HTTP_CONTENT_LENGTH',
          `expected a number as Content-Length, got "${length}"`,
        );
      }
      this.#left = Number(length);
      this.#state = this.#left === 0 ? DONE : LENGTH;
    }
  }

  #startChunk(): void {
    this.#state = CHUNK_SIZE;
    this.#size = 0;
    this.#sizeDone = false;
    this.#lineBytes = 0;
  }

  /** RFC 9112, 7.1: the end of the chunk before, then the size in hexadecimal, an extension that is skipped, and a line end. */
  #readChunkSize(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    if (this.#state === CHUNK_END) {
      while (at < end) {
        const byte = bytes[at++]!;
        if (byte === LF) {
          this.#startChunk();
          break;
        }
        if (byte !== CR) throw badChunk('a line end after a chunk', byte);
      }
    }
    while (at < end) {
      const byte = bytes[at++]!;
      if (byte === LF) {
        if (this.#lineBytes === 0) throw badChunk('the size of a chunk', byte);
        this.#left = this.#size;
        this.#lineBytes = 0;
        this.#state = this.#size === 0 ? TRAILER : CHUNK_DATA;
        return at;
      }
      if (byte === CR) continue;
      if (++this.#lineBytes > MAX_LINE_BYTES) throw badChunk(`at most ${MAX_LINE_BYTES} characters`, byte);
      if (this.#sizeDone) continue;
      const digit = hexDigit(byte);
      if (digit >= 0) {
        this.#size = this.#size * 16 + digit;
        if (this.#size > MAX_CHUNK_BYTES) throw badChunk(`at most ${MAX_CHUNK_BYTES} bytes in a chunk`, byte);
      } else if (this.#lineBytes > 1 && (byte === SEMICOLON || byte === SPACE || byte === TAB)) {
        this.#sizeDone = true;
      } else {
        throw badChunk('the size of a chunk', byte);
      }
    }
    return at;
  }

  #skipTrailer(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === CR) continue;
      if (byte !== LF) this.#lineBytes++;
      else if (this.#lineBytes === 0) {
        this.#state = DONE;
        return at + 1;
      } else this.#lineBytes = 0;
      if (this.#lineBytes > MAX_LINE_BYTES) throw badChunk('a short trailer', byte);
    }
    return end;
  }
}

type State = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;
const HEAD = 0;
const UNTIL_CLOSE = 1;
const LENGTH = 2;
const CHUNK_SIZE = 3;
const CHUNK_DATA = 4;
const CHUNK_END = 5;
const TRAILER = 6;
const DONE = 7;

const MAX_HEAD_BYTES = 64 * 1024;
/** 100 and 103 come once each, 102 now and then: more is a server that never answers. */
const MAX_INTERIM = 32;
const MAX_LINE_BYTES = 4 * 1024;
/** No live server writes 1 GiB in one piece: it is a broken size. */
const MAX_CHUNK_BYTES = 0x4000_0000;

const NOTHING = new Uint8Array(0);
const DIGIT_0 = 0x30;
const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const SEMICOLON = 59;
const HTTP_1 = [0x48, 0x54, 0x54, 0x50, 0x2f, 0x31, 0x2e]; // "HTTP/1."

/** Says at once that something is not HTTP, instead of waiting for a header that will never end. */
function checkBeginning(bytes: Uint8Array, start: number, end: number): void {
  const length = Math.min(HTTP_1.length, end - start);
  for (let i = 0; i < length; i++) {
    if (bytes[start + i] !== HTTP_1[i]) {
      const seen = latin1(bytes, start, Math.min(end, start + 24));
      throw new ProtocolError('HTTP_STATUS_LINE', `expected "HTTP/1.", got ${JSON.stringify(seen)}`);
    }
  }
}

/**
 * Index after the empty line that ends the header, or 0. Its last byte is looked for from `from` on, what goes before
 * that in all of `bytes[start, end)`. Bare LF is accepted (RFC 9112, 2.2).
 */
function findHeadEnd(bytes: Uint8Array, start: number, end: number, from: number): number {
  for (let at = Math.max(from, start + 1); at < end; at++) {
    if (bytes[at] !== LF) continue;
    if (bytes[at - 1] === LF) return at + 1;
    if (bytes[at - 1] === CR && at - 2 >= start && bytes[at - 2] === LF) return at + 1;
  }
  return 0;
}

/** RFC 9112, 9.3; and 6.3: after an answer with two framings that contradict each other nothing can be relied on. */
function persists({ headers }: HttpHead, http10: boolean, state: State): boolean {
  if (state === UNTIL_CLOSE) return false;
  if (headers.has('transfer-encoding') && headers.has('content-length')) return false;
  const connection = headers.get('connection')?.toLowerCase();
  if (connection === undefined) return !http10;
  if (connection.includes('close')) return false;
  return !http10 || connection.includes('keep-alive');
}

function headTooLarge(maxBytes: number): ProtocolError {
  return new ProtocolError('HTTP_HEAD_TOO_LARGE', `expected an HTTP header of at most ${maxBytes} bytes`);
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function badChunk(expected: string, byte: number): ProtocolError {
  return new ProtocolError('HTTP_CHUNK', `expected ${expected}, got byte 0x${byte.toString(16)}`);
}
