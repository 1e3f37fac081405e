/**
 * The frame of a WebSocket, RFC 6455, section 5.2, as a client sees it:
 *
 *     FIN RSV opcode │ MASK length 7 │ extended length 0, 2 or 8 │ key 0 (from a server) or 4 (from a client) │ payload
 */

export const FIN = 0x80;
/** RSV1–3: for extensions, of which this client offers none (permessage-deflate would have to be undone before anything can be measured). */
export const RESERVED_BITS = 0x70;
export const MASK = 0x80;

export const OPCODE_CONTINUATION = 0x0;
export const OPCODE_TEXT = 0x1;
export const OPCODE_BINARY = 0x2;
export const OPCODE_CLOSE = 0x8;
export const OPCODE_PING = 0x9;
export const OPCODE_PONG = 0xa;

/** Section 5.5: control frames are short, and in one piece. */
export const MAX_CONTROL_BYTES = 125;

/** Section 7.4.1; 1005 is never sent: it stands for a close frame without a code. */
export const CLOSE_NORMAL = 1000;
export const CLOSE_PROTOCOL_ERROR = 1002;

/**
 * A control frame from a client. `maskingKey` (4 bytes) must be new for each frame (section 5.3); it protects
 * intermediaries from what pages make browsers send, not the content.
 */
export function controlFrame(
  opcode: typeof OPCODE_CLOSE | typeof OPCODE_PING | typeof OPCODE_PONG,
  payload: Uint8Array,
  maskingKey: Uint8Array,
): Uint8Array {
  if (payload.length > MAX_CONTROL_BYTES) {
    throw new RangeError(
      `a control frame of ${payload.length} bytes; at most ${MAX_CONTROL_BYTES} are allowed`,
    );
  }
  const frame = new Uint8Array(6 + payload.length);
  frame[0] = FIN | opcode;
  frame[1] = MASK | payload.length;
  frame.set(maskingKey, 2);
  for (let i = 0; i < payload.length; i++) frame[6 + i] = payload[i]! ^ maskingKey[i & 3]!;
  return frame;
}

/** Section 5.5.1: a close frame with a code, or without when `code` is `null`. */
export function closeFrame(code: number | null, maskingKey: Uint8Array): Uint8Array {
  const payload = code === null ? new Uint8Array(0) : Uint8Array.of(code >> 8, code & 255);
  return controlFrame(OPCODE_CLOSE, payload, maskingKey);
}
