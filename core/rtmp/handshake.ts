import { ProtocolError } from '../media.ts';

/** RTMP 1.0, section 5.2: C0/S0 is the version, C1/S1 and C2/S2 are 1,536 bytes each. */
const VERSION = 3;
const PACKET_BYTES = 1536;
const RANDOM_BYTES = PACKET_BYTES - 8;

type Random = (bytes: number) => Uint8Array;
type Write = (pieces: Uint8Array[]) => void;

/**
 * What both sides do alike: take the peer's version and first packet, answer, then skip the peer's echo.
 *
 * The simple handshake only: our first packet carries version 0.0.0.0, so a peer that knows Adobe's digests
 * (nginx-rtmp, node-media-server, SRS) does not use them. The peer's echo is not compared with what we sent, since
 * peers are known to send something else there and nobody refuses them for it.
 */
abstract class Handshake {
  /** Version and first packet of the peer; kept only until they are answered. */
  #greeting: Uint8Array | null = null;
  #received = 0;

  get done(): boolean {
    return this.#received === 1 + 2 * PACKET_BYTES;
  }

  /** Takes what belongs to the handshake and returns how many bytes that was. */
  receive(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    if (this.#received < 1 + PACKET_BYTES) {
      this.#greeting ??= new Uint8Array(1 + PACKET_BYTES);
      const part = bytes.subarray(at, Math.min(end, at + 1 + PACKET_BYTES - this.#received));
      this.#greeting.set(part, this.#received);
      if (part.length > 0) checkVersion(this.#greeting[0] as number);
      this.#received += part.length;
      at += part.length;
      if (this.#received < 1 + PACKET_BYTES) return at - start;
      this.answer(this.#greeting.subarray(1));
      this.#greeting = null;
    }
    const echo = Math.min(end - at, 1 + 2 * PACKET_BYTES - this.#received);
    this.#received += echo;
    return at + echo - start;
  }

  protected abstract answer(firstPacket: Uint8Array): void;
}

/** C0 C1 → S0 S1 → C2 → S2. */
export class ClientHandshake extends Handshake {
  readonly #write: Write;

  /** Writes C0 and C1 at once. */
  constructor(random: Random, write: Write) {
    super();
    this.#write = write;
    write([greeting(random)]);
  }

  protected override answer(s1: Uint8Array): void {
    this.#write([s1]);
  }
}

/** C0 C1 → S0 S1 S2 → C2. */
export class ServerHandshake extends Handshake {
  readonly #random: Random;
  readonly #write: Write;

  constructor(random: Random, write: Write) {
    super();
    this.#random = random;
    this.#write = write;
  }

  protected override answer(c1: Uint8Array): void {
    this.#write([greeting(this.#random), c1]);
  }
}

/** Version, then time 0, "version" 0 (that is: no digest in here), and random bytes. */
function greeting(random: Random): Uint8Array {
  const bytes = new Uint8Array(1 + PACKET_BYTES);
  bytes[0] = VERSION;
  bytes.set(random(RANDOM_BYTES), 1 + 8);
  return bytes;
}

function checkVersion(version: number): void {
  if (version === VERSION) return;
  const shown =
    version >= 0x20 && version < 0x7f ? `${version} ("${String.fromCharCode(version)}")` : version;
  throw new ProtocolError(
    'RTMP_VERSION',
    `expected RTMP version ${VERSION}, got ${shown}: the peer does not speak RTMP`,
  );
}
