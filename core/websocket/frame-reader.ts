import { ProtocolError } from '../media.ts';
import {
  FIN,
  MASK,
  MAX_CONTROL_BYTES,
  OPCODE_BINARY,
  OPCODE_CLOSE,
  OPCODE_CONTINUATION,
  OPCODE_PING,
  OPCODE_PONG,
  OPCODE_TEXT,
  RESERVED_BITS,
} from './frame.ts';

/** Hears what a server's frames carry. `bytes` belongs to the reader's caller: not to be kept or changed. A throw ends reading. */
export interface FrameSink {
  /** A message begins; its payload follows. */
  message(kind: 'text' | 'binary'): void;
  /** The next bytes of the message, as they come; never empty. */
  payload(bytes: Uint8Array, start: number, end: number): void;
  /** To be answered with a pong of the same bytes (section 5.5.3): of several, the last is enough. */
  ping(bytes: Uint8Array, start: number, end: number): void;
  /** The last thing that is told. `null`: the frame has no code. To be answered with a close frame. */
  close(code: number | null, reason: string): void;
}

export interface FrameReaderOptions {
  /** A longer message is refused (`WS_MESSAGE_TOO_LARGE`). Default 64 MiB: a whole GOP in one message, and then some. */
  readonly maxMessageBytes?: number;
}

export const DEFAULT_MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/**
 * Reads the frames of a WebSocket server (RFC 6455, section 5) piece by piece.
 *
 *     header 2 │ length 0, 2, 8 │ payload …… │ header │ …
 *     └─ held if cut in two ────┘ handed on where it lies, as it comes
 *
 * Messages are not put together: what reads them (FLV) is a stream anyway. Nothing is allocated or copied per frame,
 * but for a ping or close that a read cut in two. Since a length reserves no memory, bounding it is a matter of sense.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #maxMessageBytes: number;
  #state: State = HEADER;
  /** The header (at most 10 bytes) or control payload that an earlier push left incomplete. */
  #scratch = EMPTY;
  #held = 0;
  /** Bytes of the frame's payload still to come. */
  #left = 0;
  #opcode = 0;
  #fin = true;
  /** Between the first and the last frame of a message; control frames may come in between (section 5.4). */
  #inMessage = false;
  #messageBytes = 0;

  constructor(sink: FrameSink, { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES }: FrameReaderOptions = {}) {
    this.#sink = sink;
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** False within a frame and within a fragmented message: a stream that ends then was cut off. */
  get atMessageBoundary(): boolean {
    return this.#state === CLOSED || (this.#state === HEADER && this.#held === 0 && !this.#inMessage);
  }

  /** The server has sent a close frame; what comes after it is ignored (section 5.5.1). */
  get closed(): boolean {
    return this.#state === CLOSED;
  }

  /** Takes `bytes[start, end)`. Throws a `ProtocolError` (`WS_…`) on broken frames; the reader is of no use after that. */
  push(bytes: Uint8Array, start = 0, end = bytes.length): void {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case PAYLOAD: {
          const from = at;
          at = Math.min(end, from + this.#left);
          this.#left -= at - from;
          if (this.#left === 0) this.#endOfFrame();
          this.#sink.payload(bytes, from, at);
          break;
        }
        case HEADER: {
          const length = this.#held === 0 && end - at >= 2 ? headerBytes(bytes[at + 1]!) : 0;
          if (length > 0 && end - at >= length) {
            this.#begin(bytes, at);
            at += length;
          } else {
            at = this.#holdHeader(bytes, at, end);
          }
          break;
        }
        case CONTROL: {
          if (this.#held === 0 && end - at >= this.#left) {
            const from = at;
            at += this.#left;
            this.#control(bytes, from, at);
            break;
          }
          const taken = Math.min(this.#left - this.#held, end - at);
          this.#hold(bytes, at, taken);
          at += taken;
          if (this.#held === this.#left) {
            this.#held = 0;
            this.#control(this.#scratch, 0, this.#left);
          }
          break;
        }
        case CLOSED:
          return;
      }
    }
  }

  /** One byte tells how long the header is, so that it is never read beyond. */
  #holdHeader(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const wanted = this.#held < 2 ? 2 : headerBytes(this.#scratch[1]!);
      const taken = Math.min(wanted - this.#held, end - at);
      this.#hold(bytes, at, taken);
      at += taken;
      if (this.#held >= 2 && this.#held === headerBytes(this.#scratch[1]!)) {
        this.#held = 0;
        this.#begin(this.#scratch, 0);
        return at;
      }
    }
    return at;
  }

  #hold(bytes: Uint8Array, at: number, count: number): void {
    if (this.#scratch.length < MAX_CONTROL_BYTES) {
      // Headers are cut in two often, control frames nearly never: most readers live with the small one.
      const length = this.#held + count <= MAX_HEADER_BYTES ? MAX_HEADER_BYTES : MAX_CONTROL_BYTES;
      if (this.#scratch.length < length) {
        const larger = new Uint8Array(length);
        larger.set(this.#scratch.subarray(0, this.#held));
        this.#scratch = larger;
      }
    }
    for (let i = 0; i < count; i++) this.#scratch[this.#held + i] = bytes[at + i]!;
    this.#held += count;
  }

  /** Section 5.2. Lengths that are longer than they need be are forbidden there, and read like any other here. */
  #begin(bytes: Uint8Array, at: number): void {
    const first = bytes[at]!;
    const second = bytes[at + 1]!;
    const opcode = first & 0x0f;
    if ((first & RESERVED_BITS) !== 0) {
      throw new ProtocolError(
        'WS_RESERVED_BITS',
        `expected a WebSocket frame without extensions, got one that begins with byte ${hex(first)}`,
      );
    }
    // Section 5.1: a client must close the connection upon a masked frame.
    if ((second & MASK) !== 0) {
      throw new ProtocolError(
        'WS_MASKED',
        'expected an unmasked WebSocket frame from a server, got a masked one',
      );
    }
    const length = payloadBytes(bytes, at);
    const fin = (first & FIN) !== 0;
    this.#opcode = opcode;
    this.#fin = fin;
    if (opcode === OPCODE_PING || opcode === OPCODE_PONG || opcode === OPCODE_CLOSE) {
      if (!fin || length > MAX_CONTROL_BYTES) {
        throw new ProtocolError(
          'WS_CONTROL_FRAME',
          `expected a control frame in one piece of at most ${MAX_CONTROL_BYTES} bytes, got ${fin ? length : 'a fragment'}`,
        );
      }
      this.#left = length;
      this.#state = CONTROL;
      if (length === 0) this.#control(EMPTY, 0, 0);
      return;
    }
    if (opcode > OPCODE_BINARY) {
      throw new ProtocolError('WS_OPCODE', `expected a known WebSocket opcode, got ${hex(opcode)}`);
    }
    // Section 5.4: fragments of one message are not mixed with another.
    if ((opcode === OPCODE_CONTINUATION) !== this.#inMessage) {
      throw new ProtocolError(
        'WS_FRAGMENTS',
        this.#inMessage
          ? 'expected the next fragment of a WebSocket message, got another message'
          : 'expected a WebSocket message, got a fragment of none',
      );
    }
    const before = opcode === OPCODE_CONTINUATION ? this.#messageBytes : 0;
    if (length > this.#maxMessageBytes - before) {
      throw new ProtocolError(
        'WS_MESSAGE_TOO_LARGE',
        `expected a WebSocket message of at most ${this.#maxMessageBytes} bytes, got one of ${before + length} or more`,
      );
    }
    this.#messageBytes = before + length;
    this.#left = length;
    if (length > 0) this.#state = PAYLOAD;
    else this.#endOfFrame();
    if (opcode !== OPCODE_CONTINUATION) this.#sink.message(opcode === OPCODE_TEXT ? 'text' : 'binary');
  }

  /** Before the sink hears of the last bytes, so that it may ask whether this is a boundary. */
  #endOfFrame(): void {
    this.#inMessage = !this.#fin;
    this.#state = HEADER;
  }

  #control(bytes: Uint8Array, start: number, end: number): void {
    if (this.#opcode !== OPCODE_CLOSE) {
      this.#state = HEADER;
      // Section 5.5.3: a pong that nobody asked for is a heartbeat, and is not answered.
      if (this.#opcode === OPCODE_PING) this.#sink.ping(bytes, start, end);
      return;
    }
    this.#state = CLOSED;
    if (start === end) {
      this.#sink.close(null, '');
      return;
    }
    const code = end - start === 1 ? 0 : (bytes[start]! << 8) | bytes[start + 1]!;
    if (!mayBeSent(code)) {
      throw new ProtocolError(
        'WS_CLOSE',
        `expected a close frame with a code of 1000 to 4999 that may be sent, got ${code}`,
      );
    }
    this.#sink.close(code, new TextDecoder().decode(bytes.subarray(start + 2, end)));
  }
}

type State = 0 | 1 | 2 | 3;
const HEADER = 0;
const PAYLOAD = 1;
const CONTROL = 2;
const CLOSED = 3;

const EMPTY = new Uint8Array(0);
const MAX_HEADER_BYTES = 10;

/** Of a frame without masking key, by its second byte. */
function headerBytes(second: number): number {
  const length = second & 0x7f;
  return length < 126 ? 2 : length === 126 ? 4 : 10;
}

function payloadBytes(bytes: Uint8Array, at: number): number {
  const length = bytes[at + 1]! & 0x7f;
  if (length < 126) return length;
  if (length === 126) return (bytes[at + 2]! << 8) | bytes[at + 3]!;
  let large = 0;
  // Beyond 2^53 it is no longer exact, and is refused all the same.
  for (let i = at + 2; i < at + 10; i++) large = large * 256 + bytes[i]!;
  return large;
}

/** Sections 7.4.1 and 7.4.2: codes below 1000 and from 5000 on mean nothing; 1005, 1006 and 1015 are never on the wire. */
function mayBeSent(code: number): boolean {
  return code >= 1000 && code <= 4999 && code !== 1005 && code !== 1006 && code !== 1015;
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}
