import { ProtocolError, type TagSink } from '../media.ts';
import { read24, read32 } from './big-endian.ts';
import { ABORT, EXTENDED_TIMESTAMP, INITIAL_CHUNK_BYTES, type Message, SET_CHUNK_SIZE } from './message.ts';
import { type AssemblerOptions, type IncomingMessage, MessageAssembler } from './message-assembler.ts';

/** Real peers use fewer than ten. */
const MAX_CHUNK_STREAMS = 64;
/** Basic header, message header, extended timestamp. */
const MAX_HEADER_BYTES = 3 + 11 + 4;
/** Message header by format: RTMP 1.0, section 5.3.1.2. */
const FULL_BYTES = 11;
const SAME_STREAM_BYTES = 7;
const DELTA_BYTES = 3;

export interface ChunkReaderOptions extends Omit<AssemblerOptions, 'sink' | 'message'> {
  /** Gets audio, video and data messages as tags, those of aggregates too. */
  readonly sink: TagSink;
  /** Gets all other messages, whole, but for Set Chunk Size and Abort, which end here. */
  message(message: Message): void;
}

/** What the headers of one chunk stream left behind, and the message that is arriving on it. */
interface ChunkStream extends IncomingMessage {
  readonly id: number;
  /** Its type 3 header, if that is one byte; else -1. */
  readonly bareHeader: number;
  /** Whether it has had a header that says length and type. */
  known: boolean;
  deltaMs: number;
  /** Whether its last header had the extended field, and what that said. */
  extended: boolean;
  extendedMs: number;
}

/**
 * Reads chunks (RTMP 1.0, section 5.3) as they come, cut anywhere, and hands on messages:
 *
 *     bytes ─ push ─┬─ header (kept over the cut if it is cut: 18 bytes) ─ ChunkStream
 *                   └─ payload ─ MessageAssembler ─┬─ sink.head, sink.end
 *                                                  └─ message
 *
 * Media payload is looked at in place and skipped. After a ProtocolError the reader is of no further use.
 */
export class ChunkReader {
  #chunkBytes = INITIAL_CHUNK_BYTES;
  readonly #assembler: MessageAssembler;
  readonly #streams: ChunkStream[] = [];
  /** Where the current chunk belongs, and how much of its payload is still to come; 0: a header is next. */
  #stream: ChunkStream | null = null;
  #chunkLeft = 0;
  /** The beginning of a header that a push ended in. */
  #cut: Uint8Array | null = null;
  #cutBytes = 0;
  /**
   * Whether the peer repeats the extended timestamp in the bare headers inside a message. The specification
   * (5.3.1.3) and ffmpeg do, nginx-rtmp with `play_time_fix off` does not. The first such header decides.
   */
  #repeatsExtended: boolean | null = null;
  #stopped = false;

  constructor(options: ChunkReaderOptions) {
    this.#assembler = new MessageAssembler({
      ...options,
      message: (message) => {
        if (!this.#control(message)) options.message(message);
      },
    });
  }

  /** Chunk size that the peer has announced. */
  get chunkBytes(): number {
    return this.#chunkBytes;
  }

  /**
   * Reads `bytes[start, end)`.
   *
   * @throws ProtocolError `RTMP_CHUNK_NO_HEADER`, `RTMP_CHUNK_INTERRUPTED`, `RTMP_CHUNK_SIZE`, `RTMP_CHUNK_STREAMS`,
   *   `RTMP_CONTROL_LENGTH`, and those of MessageAssembler
   */
  push(bytes: Uint8Array, start = 0, end = bytes.length): void {
    let at = start;
    while (at < end && !this.#stopped) {
      if (this.#chunkLeft === 0) {
        const stream = this.#stream;
        if (stream?.arriving && bytes[at] === stream.bareHeader && !stream.extended && this.#cutBytes === 0) {
          // Much the most frequent header where chunks are small: one byte that says "the same goes on".
          this.#chunkLeft = Math.min(this.#chunkBytes, stream.messageBytes - stream.receivedBytes);
          at += 1;
          continue;
        }
        at = this.#cutBytes === 0 ? this.#header(bytes, at, end) : this.#cutHeader(bytes, at, end);
        continue;
      }
      const stream = this.#stream as ChunkStream;
      const to = Math.min(end, at + this.#chunkLeft);
      // Counted first: a Set Chunk Size message takes effect in here.
      this.#chunkLeft -= to - at;
      this.#assembler.payload(stream, bytes, at, to);
      at = to;
    }
  }

  /** Reads no further, not even what is left of the current push: for use inside a callback. */
  stop(): void {
    this.#stopped = true;
  }

  /** Reads a header at `at`, keeps it if it is cut, and returns where reading goes on. */
  #header(bytes: Uint8Array, at: number, end: number): number {
    const headerBytes = this.#parseHeader(bytes, at, end);
    if (headerBytes > 0) return at + headerBytes;
    this.#cut ??= new Uint8Array(MAX_HEADER_BYTES);
    this.#cut.set(bytes.subarray(at, end));
    this.#cutBytes = end - at;
    return end;
  }

  /** The same for a header that the last push ended in. */
  #cutHeader(bytes: Uint8Array, at: number, end: number): number {
    const cut = this.#cut as Uint8Array;
    const before = this.#cutBytes;
    const added = Math.min(MAX_HEADER_BYTES - before, end - at);
    cut.set(bytes.subarray(at, at + added), before);
    const headerBytes = this.#parseHeader(cut, 0, before + added);
    if (headerBytes === 0) {
      this.#cutBytes += added;
      return at + added;
    }
    this.#cutBytes = 0;
    // What looked like the repetition of an extended timestamp was payload: it is read again as that.
    if (headerBytes < before) this.push(cut.slice(headerBytes, before));
    return at + Math.max(0, headerBytes - before);
  }

  /** Reads a whole header and begins its chunk. Returns its length, or 0 if `end` comes first (nothing has changed then). */
  #parseHeader(bytes: Uint8Array, start: number, end: number): number {
    // Basic header: section 5.3.1.1.
    const first = bytes[start] as number;
    const format = first >> 6;
    let id = first & 0x3f;
    let at = start + 1;
    if (id === 0) {
      if (at + 1 > end) return 0;
      id = 64 + (bytes[at] as number);
      at += 1;
    } else if (id === 1) {
      if (at + 2 > end) return 0;
      id = 64 + (bytes[at] as number) + 256 * (bytes[at + 1] as number);
      at += 2;
    }
    const stream = this.#find(id);
    if (format === 3) at = this.#parseBareHeader(stream, bytes, at, end);
    else at = this.#parseMessageHeader(stream, format, bytes, at, end);
    if (at === 0) return 0;
    this.#stream = stream;
    this.#chunkLeft = Math.min(this.#chunkBytes, stream.messageBytes - stream.receivedBytes);
    return at - start;
  }

  /** Types 0 to 2: section 5.3.1.2. They begin a message. Returns where the header ends, 0 if it is cut. */
  #parseMessageHeader(
    stream: ChunkStream,
    format: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const fieldBytes = format === 0 ? FULL_BYTES : format === 1 ? SAME_STREAM_BYTES : DELTA_BYTES;
    let at = start + fieldBytes;
    if (at > end) return 0;
    let timeMs = read24(bytes, start);
    const extended = timeMs === EXTENDED_TIMESTAMP;
    if (extended) {
      if (at + 4 > end) return 0;
      timeMs = read32(bytes, at);
      at += 4;
    }
    if (stream.arriving) {
      throw new ProtocolError(
        'RTMP_CHUNK_INTERRUPTED',
        `chunk stream ${stream.id}: a new message began after ${stream.receivedBytes} of ${stream.messageBytes} bytes`,
      );
    }
    // Type 1 on a fresh chunk stream is against the letter, but librtmp sends its pings so; it lacks nothing we need.
    if (format === 2 && !stream.known) throw noHeader(stream);
    if (format <= 1) {
      stream.messageBytes = read24(bytes, start + 3);
      stream.type = bytes[start + 6] as number;
      stream.known = true;
    }
    if (format === 0) stream.streamId = readLittle32(bytes, start + 7);
    stream.extended = extended;
    stream.extendedMs = timeMs;
    // A bare header after a full one takes the timestamp for its delta: section 5.3.1.2.4; ffmpeg counts on it.
    stream.deltaMs = timeMs;
    stream.timestampMs = format === 0 ? timeMs : (stream.timestampMs + timeMs) >>> 0;
    this.#assembler.begin(stream);
    return at;
  }

  /** Type 3: goes on with a message, or begins one like the last. Returns where the header ends, 0 if it is cut. */
  #parseBareHeader(stream: ChunkStream, bytes: Uint8Array, start: number, end: number): number {
    if (!stream.known) throw noHeader(stream);
    let at = start;
    if (stream.extended && this.#repeatsExtended !== false) {
      if (stream.arriving && this.#repeatsExtended === null) {
        const matching = countMatching(stream.extendedMs, bytes, start, end);
        if (matching < 4 && start + matching === end) return 0;
        this.#repeatsExtended = matching === 4;
        if (this.#repeatsExtended) at += 4;
      } else {
        if (at + 4 > end) return 0;
        if (!stream.arriving) {
          stream.extendedMs = read32(bytes, at);
          stream.deltaMs = stream.extendedMs;
        }
        at += 4;
      }
    }
    if (!stream.arriving) {
      stream.timestampMs = (stream.timestampMs + stream.deltaMs) >>> 0;
      this.#assembler.begin(stream);
    }
    return at;
  }

  #find(id: number): ChunkStream {
    if (this.#stream?.id === id) return this.#stream;
    for (const stream of this.#streams) if (stream.id === id) return stream;
    if (this.#streams.length === MAX_CHUNK_STREAMS) {
      throw new ProtocolError(
        'RTMP_CHUNK_STREAMS',
        `the peer uses more than ${MAX_CHUNK_STREAMS} chunk streams`,
      );
    }
    const stream: ChunkStream = {
      id,
      bareHeader: id < 64 ? 0xc0 | id : -1,
      known: false,
      type: 0,
      streamId: 0,
      timestampMs: 0,
      deltaMs: 0,
      extended: false,
      extendedMs: 0,
      messageBytes: 0,
      receivedBytes: 0,
      arriving: false,
      headBytes: 0,
      kept: null,
    };
    this.#streams.push(stream);
    return stream;
  }

  /** Protocol control of the chunk layer itself. Returns whether the message was that. */
  #control(message: Message): boolean {
    if (message.type === SET_CHUNK_SIZE) {
      const chunkBytes = readControl(message);
      // Section 5.4.1: 31 bits, at least 1.
      if (chunkBytes === 0 || chunkBytes > 0x7fffffff) {
        throw new ProtocolError(
          'RTMP_CHUNK_SIZE',
          `a chunk size of ${chunkBytes} is not between 1 and 2147483647`,
        );
      }
      this.#chunkBytes = chunkBytes;
      return true;
    }
    if (message.type === ABORT) {
      const id = readControl(message);
      const stream = this.#streams.find((candidate) => candidate.id === id);
      if (stream?.arriving) this.#assembler.abort(stream);
      return true;
    }
    return false;
  }
}

/** How many of the bytes at `start` are those of `value` as four bytes. */
function countMatching(value: number, bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  while (count < 4 && start + count < end && bytes[start + count] === ((value >>> (24 - 8 * count)) & 0xff))
    count++;
  return count;
}

/** The four bytes of Set Chunk Size, Abort and the like: section 5.4. */
export function readControl(message: Message): number {
  if (message.body.length < 4) {
    throw new ProtocolError(
      'RTMP_CONTROL_LENGTH',
      `a control message of type ${message.type} has ${message.body.length} bytes, at least 4 expected`,
    );
  }
  return read32(message.body, 0);
}

function noHeader(stream: ChunkStream): ProtocolError {
  return new ProtocolError(
    'RTMP_CHUNK_NO_HEADER',
    `chunk stream ${stream.id} begins with a header that refers to an earlier one`,
  );
}

function readLittle32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}
