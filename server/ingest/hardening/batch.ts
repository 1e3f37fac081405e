/**
 * Some messages of one stream that go out together, in the bytes of each transport (defect 9).
 *
 * Each form is made at most once and then shared by all viewers: what is left per viewer is one write of one buffer.
 */
export class Batch {
  readonly messages: readonly Buffer[];
  readonly bytes: number;
  #joined: Buffer | null = null;
  #httpChunk: Buffer | null = null;
  #webSocketFrames: Buffer | null = null;

  constructor(messages: readonly Buffer[]) {
    this.messages = messages;
    this.bytes = messages.reduce((sum, message) => sum + message.length, 0);
  }

  /** One after the other: RTMP, and HTTP-FLV to an HTTP/1.0 client. */
  get joined(): Buffer {
    this.#joined ??=
      this.messages.length === 1 ? this.messages[0]! : Buffer.concat(this.messages, this.bytes);
    return this.#joined;
  }

  /** One chunk of the chunked transfer coding (RFC 9112, 7.1): HTTP-FLV. */
  get httpChunk(): Buffer {
    this.#httpChunk ??= Buffer.concat([
      Buffer.from(`${this.bytes.toString(16)}\r\n`, 'latin1'),
      ...this.messages,
      Buffer.from('\r\n', 'latin1'),
    ]);
    return this.#httpChunk;
  }

  /** One binary frame per message (RFC 6455, 5.2), as node-media-server sends them: players count on one tag each. */
  get webSocketFrames(): Buffer {
    this.#webSocketFrames ??= Buffer.concat(
      this.messages.flatMap((message) => [webSocketHeader(message.length), message]),
    );
    return this.#webSocketFrames;
  }
}

/** FIN, opcode binary, not masked (a server never masks), with the shortest length form. */
function webSocketHeader(bytes: number): Buffer {
  if (bytes < 126) return Buffer.from([0x82, bytes]);
  if (bytes < 0x10000) return Buffer.from([0x82, 126, bytes >> 8, bytes & 0xff]);
  const header = Buffer.alloc(10);
  header[0] = 0x82;
  header[1] = 127;
  header.writeBigUInt64BE(BigInt(bytes), 2);
  return header;
}
