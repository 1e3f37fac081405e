import { ProtocolError, TAG_AUDIO, TAG_SCRIPT, TAG_VIDEO, type TagSink, type TagType } from '../media.ts';

/**
 * Reads an FLV byte stream (Adobe FLV 10.1, annex E) piece by piece and hands its tags to a `TagSink`.
 *
 *     file header 9 (DataOffset) │ size 4 · tag header 11 │ head ≤ headBytes │ rest …│ size 4 · tag header 11 │ …
 *                                └────── 15 bytes ───────┘ delivered          skipped
 *
 * A load generator runs thousands of these, so nothing is allocated per tag, nothing is copied when a header or head
 * lies in one piece, and what comes after the head is only counted. One scratch per reader holds what a push cut in
 * two; it is not made before that happens.
 */

export interface FlvReaderOptions {
  /** How much of each tag body the sink wants; the rest is skipped unseen. Default: all of it. */
  readonly headBytes?: number;
  /** A longer tag is refused (`FLV_TAG_TOO_LARGE`) before anything is allocated for it. Default 8 MiB. */
  readonly maxTagBytes?: number;
  /** Called once, when the file header is read. What it announces is often wrong on live streams: a hint only. */
  readonly header?: (hasAudio: boolean, hasVideo: boolean) => void;
}

export const DEFAULT_MAX_TAG_BYTES = 8 * 1024 * 1024;

const FILE_HEADER_BYTES = 9;
const PREVIOUS_TAG_SIZE_BYTES = 4;
const TAG_HEADER_BYTES = 11;
/** PreviousTagSize and the next tag's header always follow each other: one read for both. */
const BETWEEN_BYTES = PREVIOUS_TAG_SIZE_BYTES + TAG_HEADER_BYTES;
/** E.2: DataOffset is 9 in version 1; a larger one leaves room for later versions, and is bounded here. */
const MAX_DATA_OFFSET = 1024;

const EMPTY = new Uint8Array(0);

type State = 0 | 1 | 2 | 3 | 4;
const FILE_HEADER = 0;
const HEADER_REST = 1;
const BETWEEN = 2;
const HEAD = 3;
const REST = 4;

export class FlvReader {
  readonly #sink: TagSink;
  readonly #headBytes: number;
  readonly #maxTagBytes: number;
  readonly #header: ((hasAudio: boolean, hasVideo: boolean) => void) | undefined;

  #state: State = FILE_HEADER;
  /** Bytes of the current header or head that an earlier push left in the scratch. */
  #held = 0;
  #scratch = EMPTY;
  /** Bytes still to skip: the rest of the file header or of the tag body. */
  #rest = 0;

  #type: TagType = TAG_SCRIPT;
  #timestampMs = 0;
  #bodyBytes = 0;
  #headLength = 0;

  constructor(sink: TagSink, options: FlvReaderOptions = {}) {
    this.#sink = sink;
    this.#headBytes = options.headBytes ?? Number.POSITIVE_INFINITY;
    this.#maxTagBytes = options.maxTagBytes ?? DEFAULT_MAX_TAG_BYTES;
    this.#header = options.header;
  }

  /** False while a header or a tag is incomplete: a stream that ends then was cut off. */
  get atTagBoundary(): boolean {
    // A missing last PreviousTagSize loses no media, and live servers do leave it out.
    return this.#state === BETWEEN && this.#held <= PREVIOUS_TAG_SIZE_BYTES;
  }

  /**
   * Takes the next bytes of the stream, `bytes[start, end)`. They are not kept.
   * Throws a `ProtocolError` (`FLV_…`) on broken bytes; the reader is of no use after that.
   */
  push(bytes: Uint8Array, start = 0, end = bytes.length): void {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case REST:
        case HEADER_REST: {
          const taken = Math.min(this.#rest, end - at);
          at += taken;
          this.#rest -= taken;
          if (this.#rest === 0) {
            const isTag = this.#state === REST;
            this.#state = BETWEEN;
            if (isTag) this.#sink.end();
          }
          break;
        }
        case BETWEEN: {
          if (this.#held === 0) at = this.#wholeTags(bytes, at, end);
          const held = this.#held;
          if (held <= PREVIOUS_TAG_SIZE_BYTES && held + end - at >= BETWEEN_BYTES) {
            // Of what an earlier push brought nothing is looked at.
            this.#held = 0;
            this.#beginTag(bytes, at - held);
            at += BETWEEN_BYTES - held;
          } else if (held + end - at <= PREVIOUS_TAG_SIZE_BYTES) {
            // So end nearly all reads, because servers write whole tags: counting them leaves the scratch alone.
            this.#held = held + end - at;
            return;
          } else {
            at = this.#hold(bytes, at, end, BETWEEN_BYTES);
            if (this.#held < BETWEEN_BYTES) return;
            this.#held = 0;
            this.#beginTag(this.#scratch, 0);
          }
          break;
        }
        case HEAD:
          if (this.#held === 0 && end - at >= this.#headLength) {
            const head = at;
            at += this.#headLength;
            this.#deliverHead(bytes, head);
          } else {
            at = this.#hold(bytes, at, end, this.#headLength);
            if (this.#held < this.#headLength) return;
            this.#held = 0;
            this.#deliverHead(this.#scratch, 0);
          }
          break;
        case FILE_HEADER:
          at = this.#hold(bytes, at, end, FILE_HEADER_BYTES);
          if (this.#held < FILE_HEADER_BYTES) return;
          this.#held = 0;
          this.#readFileHeader(this.#scratch);
          break;
      }
    }
  }

  /**
   * Hands on the tags that lie whole in `bytes[start, end)` and are in order; returns where the first other one begins.
   * With a server that writes several together nearly all do, and cost half: none of them leaves a trace in the fields.
   */
  #wholeTags(bytes: Uint8Array, start: number, end: number): number {
    const sink = this.#sink;
    const most = this.#maxTagBytes;
    const headBytes = this.#headBytes;
    let at = start;
    while (end - at >= BETWEEN_BYTES) {
      const type = bytes[at + 4]!;
      const bodyBytes = (bytes[at + 5]! << 16) | (bytes[at + 6]! << 8) | bytes[at + 7]!;
      const body = at + BETWEEN_BYTES;
      if (bodyBytes > end - body || bodyBytes > most) return at;
      if (type !== TAG_VIDEO && type !== TAG_AUDIO && type !== TAG_SCRIPT) return at;
      const timestampMs = timestampOf(bytes, at + PREVIOUS_TAG_SIZE_BYTES);
      sink.head(type, timestampMs, bodyBytes, bytes, body, body + Math.min(headBytes, bodyBytes));
      sink.end();
      at = body + bodyBytes;
    }
    return at;
  }

  /** E.2 The FLV header. */
  #readFileHeader(bytes: Uint8Array): void {
    if (bytes[0] !== 0x46 || bytes[1] !== 0x4c || bytes[2] !== 0x56) {
      throw new ProtocolError(
        'FLV_SIGNATURE',
        `expected an FLV stream to begin with "FLV", got ${printable(bytes.subarray(0, FILE_HEADER_BYTES))}`,
      );
    }
    const flags = bytes[4]!;
    const dataOffset = bytes[5]! * 0x1000000 + ((bytes[6]! << 16) | (bytes[7]! << 8) | bytes[8]!);
    if (dataOffset < FILE_HEADER_BYTES || dataOffset > MAX_DATA_OFFSET) {
      throw new ProtocolError(
        'FLV_HEADER_SIZE',
        `expected an FLV header of ${FILE_HEADER_BYTES} to ${MAX_DATA_OFFSET} bytes, got ${dataOffset}`,
      );
    }
    this.#rest = dataOffset - FILE_HEADER_BYTES;
    this.#state = this.#rest > 0 ? HEADER_REST : BETWEEN;
    this.#header?.((flags & 4) !== 0, (flags & 1) !== 0);
  }

  /** E.4.1 FLV tag. PreviousTagSize is not looked at: live servers write 0 or wrong values there. */
  #beginTag(bytes: Uint8Array, between: number): void {
    const at = between + PREVIOUS_TAG_SIZE_BYTES;
    const type = bytes[at]!;
    if (type !== TAG_VIDEO && type !== TAG_AUDIO && type !== TAG_SCRIPT) throw badTagType(type);
    const bodyBytes = (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if (bodyBytes > this.#maxTagBytes) {
      throw new ProtocolError(
        'FLV_TAG_TOO_LARGE',
        `expected an FLV tag of at most ${this.#maxTagBytes} bytes, got one of ${bodyBytes}`,
      );
    }
    this.#type = type;
    this.#timestampMs = timestampOf(bytes, at);
    this.#bodyBytes = bodyBytes;
    this.#headLength = Math.min(this.#headBytes, bodyBytes);
    this.#state = HEAD;
    if (this.#headLength === 0) this.#deliverHead(EMPTY, 0);
  }

  #deliverHead(bytes: Uint8Array, start: number): void {
    this.#rest = this.#bodyBytes - this.#headLength;
    this.#state = this.#rest > 0 ? REST : BETWEEN;
    this.#sink.head(this.#type, this.#timestampMs, this.#bodyBytes, bytes, start, start + this.#headLength);
    if (this.#rest === 0) this.#sink.end();
  }

  /** Adds to the scratch until it holds `wanted` bytes; gives the index of the first byte not taken. */
  #hold(bytes: Uint8Array, at: number, end: number, wanted: number): number {
    const taken = Math.min(wanted - this.#held, end - at);
    const needed = this.#held + taken;
    if (this.#scratch.length < needed) {
      // Doubled as bytes come in, not made as large as a header claims: a liar gets no memory.
      const scratch = new Uint8Array(
        Math.max(needed, Math.min(wanted, this.#scratch.length * 2), BETWEEN_BYTES),
      );
      scratch.set(this.#scratch.subarray(0, this.#held));
      this.#scratch = scratch;
    }
    // A loop beats set(subarray) for the few dozen bytes of a usual head, and makes no view.
    if (taken <= 64) for (let i = 0; i < taken; i++) this.#scratch[this.#held + i] = bytes[at + i]!;
    else this.#scratch.set(bytes.subarray(at, at + taken), this.#held);
    this.#held = needed;
    return at + taken;
  }
}

/** TimestampExtended (byte 7) is the upper byte. Read as unsigned, like RTMP's: it runs on past 24 days. */
function timestampOf(bytes: Uint8Array, tag: number): number {
  return ((bytes[tag + 7]! << 24) | (bytes[tag + 4]! << 16) | (bytes[tag + 5]! << 8) | bytes[tag + 6]!) >>> 0;
}

function badTagType(type: number): ProtocolError {
  // E.4.1: bit 5, Filter, marks a tag that must be decrypted first (annex F).
  if ((type & 0xe0) === 0x20) {
    return new ProtocolError('FLV_ENCRYPTED', 'expected clear FLV tags, got an encrypted one');
  }
  return new ProtocolError(
    'FLV_TAG_TYPE',
    `expected an FLV tag of type 8 (audio), 9 (video) or 18 (script), got ${type}`,
  );
}

function printable(bytes: Uint8Array): string {
  return JSON.stringify(String.fromCharCode(...bytes));
}
