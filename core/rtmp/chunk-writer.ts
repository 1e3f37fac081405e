import { put24, put32 } from './big-endian.ts';
import { EXTENDED_TIMESTAMP, INITIAL_CHUNK_BYTES, type MessageHeader } from './message.ts';

const MAX_MESSAGE_BYTES = 0xffffff;

/** What the peer remembers of the last message on a chunk stream. */
interface Remembered {
  readonly chunkStreamId: number;
  streamId: number;
  timestampMs: number;
  /** -1 when no message with a delta has been sent. */
  deltaMs: number;
  type: number;
  bodyBytes: number;
}

/** Cuts messages into chunks: RTMP 1.0, section 5.3. Bodies are never copied. */
export class ChunkWriter {
  /** Largest chunk payload. Change it only together with a Set Chunk Size message. */
  chunkBytes = INITIAL_CHUNK_BYTES;
  readonly #remembered: Remembered[] = [];

  /**
   * Gives the message as pieces for one `writev`: headers of its own, and between them the body as it was given
   * (`bodyPieces` one after another), in one piece each where a chunk holds it and as views where it does not.
   */
  message(
    message: MessageHeader & { readonly chunkStreamId: number },
    ...bodyPieces: Uint8Array[]
  ): Uint8Array[] {
    let bodyBytes = 0;
    for (const piece of bodyPieces) bodyBytes += piece.length;
    if (bodyBytes > MAX_MESSAGE_BYTES) {
      throw new RangeError(`an RTMP message has at most ${MAX_MESSAGE_BYTES} bytes, not ${bodyBytes}`);
    }
    const timestampMs = message.timestampMs >>> 0;
    const pieces = [this.#firstHeader(message, timestampMs, bodyBytes)];
    let chunkLeft = this.chunkBytes;
    // All chunks after the first begin alike, so they share one header.
    let nextHeader: Uint8Array | null = null;
    for (const piece of bodyPieces) {
      let from = 0;
      while (from < piece.length) {
        if (chunkLeft === 0) {
          nextHeader ??= continuationHeader(message.chunkStreamId, pieces[0] as Uint8Array, timestampMs);
          pieces.push(nextHeader);
          chunkLeft = this.chunkBytes;
        }
        const to = Math.min(piece.length, from + chunkLeft);
        pieces.push(from === 0 && to === piece.length ? piece : piece.subarray(from, to));
        chunkLeft -= to - from;
        from = to;
      }
    }
    return pieces;
  }

  /** Takes the shortest header that the peer can complete from what it remembers: section 5.3.1.2. */
  #firstHeader(
    message: MessageHeader & { readonly chunkStreamId: number },
    timestampMs: number,
    bodyBytes: number,
  ): Uint8Array {
    const { type, streamId, chunkStreamId } = message;
    const last = this.#remembered.find((entry) => entry.chunkStreamId === chunkStreamId);
    const deltaMs = last === undefined ? -1 : timestampMs - last.timestampMs;
    // Extended deltas are read differently by different peers, so a leap that large is sent as an absolute time.
    if (last === undefined || last.streamId !== streamId || deltaMs < 0 || deltaMs >= EXTENDED_TIMESTAMP) {
      const entry = last ?? { chunkStreamId, streamId, timestampMs, deltaMs, type, bodyBytes };
      if (last === undefined) this.#remembered.push(entry);
      // A bare header right after a full one means "delta = that timestamp" by the specification (5.3.1.2.4) and
      // "delta = 0" to nginx-rtmp; forgetting the delta keeps us from ever sending it.
      Object.assign(entry, { streamId, timestampMs, deltaMs: -1, type, bodyBytes });
      return fullHeader(chunkStreamId, timestampMs, bodyBytes, type, streamId);
    }
    const format = last.bodyBytes !== bodyBytes || last.type !== type ? 1 : last.deltaMs !== deltaMs ? 2 : 3;
    last.timestampMs = timestampMs;
    last.deltaMs = deltaMs;
    last.type = type;
    last.bodyBytes = bodyBytes;
    return deltaHeader(format, chunkStreamId, deltaMs, bodyBytes, type);
  }
}

/** Bytes of a basic header: section 5.3.1.1. */
function basicHeaderBytes(chunkStreamId: number): number {
  return chunkStreamId < 64 ? 1 : chunkStreamId < 64 + 256 ? 2 : 3;
}

/** Writes a basic header at 0 and returns its length. */
function putBasicHeader(header: Uint8Array, format: number, chunkStreamId: number): number {
  if (chunkStreamId < 64) {
    header[0] = (format << 6) | chunkStreamId;
    return 1;
  }
  const low = (chunkStreamId - 64) & 0xff;
  if (chunkStreamId < 64 + 256) {
    header[0] = format << 6;
    header[1] = low;
    return 2;
  }
  header[0] = (format << 6) | 1;
  header[1] = low;
  header[2] = (chunkStreamId - 64) >> 8;
  return 3;
}

/** Type 0: timestamp(3) length(3) type(1) stream id(4, little-endian) [extended timestamp(4)]. */
function fullHeader(
  chunkStreamId: number,
  timestampMs: number,
  bodyBytes: number,
  type: number,
  streamId: number,
): Uint8Array {
  const extended = timestampMs >= EXTENDED_TIMESTAMP;
  const header = new Uint8Array(basicHeaderBytes(chunkStreamId) + 11 + (extended ? 4 : 0));
  const at = putBasicHeader(header, 0, chunkStreamId);
  put24(header, at, extended ? EXTENDED_TIMESTAMP : timestampMs);
  put24(header, at + 3, bodyBytes);
  header[at + 6] = type;
  header[at + 7] = streamId;
  header[at + 8] = streamId >>> 8;
  header[at + 9] = streamId >>> 16;
  header[at + 10] = streamId >>> 24;
  if (extended) put32(header, at + 11, timestampMs);
  return header;
}

/** Type 1: delta(3) length(3) type(1). Type 2: delta(3). Type 3: nothing. */
function deltaHeader(
  format: 1 | 2 | 3,
  chunkStreamId: number,
  deltaMs: number,
  bodyBytes: number,
  type: number,
): Uint8Array {
  const header = new Uint8Array(basicHeaderBytes(chunkStreamId) + (format === 1 ? 7 : format === 2 ? 3 : 0));
  const at = putBasicHeader(header, format, chunkStreamId);
  if (format === 3) return header;
  put24(header, at, deltaMs);
  if (format === 2) return header;
  put24(header, at + 3, bodyBytes);
  header[at + 6] = type;
  return header;
}

/** Type 3 inside a message. It repeats an extended timestamp (5.3.1.3), as ffmpeg does and nginx-rtmp expects. */
function continuationHeader(chunkStreamId: number, firstHeader: Uint8Array, timestampMs: number): Uint8Array {
  const basicBytes = basicHeaderBytes(chunkStreamId);
  const extended = firstHeader.length === basicBytes + 11 + 4;
  const header = new Uint8Array(basicBytes + (extended ? 4 : 0));
  putBasicHeader(header, 3, chunkStreamId);
  if (extended) put32(header, basicBytes, timestampMs);
  return header;
}
