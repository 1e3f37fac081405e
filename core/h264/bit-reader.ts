import { ProtocolError } from '../media.ts';

/** Reads the bits of a parameter set (RBSP: emulation prevention already removed), most significant first. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #truncatedCode: string;
  #position = 0;

  /** `truncatedCode` is the code of the `ProtocolError` that a read past the end throws. */
  constructor(rbsp: Uint8Array, truncatedCode: string) {
    this.#bytes = rbsp;
    this.#truncatedCode = truncatedCode;
  }

  /** u(n), n up to 32. */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 2 + this.#bit();
    return value;
  }

  flag(): boolean {
    return this.#bit() === 1;
  }

  skip(count: number): void {
    this.#position += count;
    if (this.#position > this.#bytes.length * 8) throw this.#truncated();
  }

  /** ue(v), H.264 9.1 and H.265 9.2: n zeros, a one, n more bits; at most 2^32 − 2. */
  ue(): number {
    let zeros = 0;
    while (this.#bit() === 0) {
      zeros++;
      if (zeros > 31)
        throw new ProtocolError('NAL_EXP_GOLOMB', 'expected an Exp-Golomb code of at most 63 bits');
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** ue(v) that may be `max` at most; `what` names the field for the `SPS_RANGE` error. */
  ueUpTo(max: number, what: string): number {
    const value = this.ue();
    if (value > max) throw new ProtocolError('SPS_RANGE', `expected ${what} of at most ${max}, got ${value}`);
    return value;
  }

  /** se(v), 9.1.1: 0, 1, −1, 2, −2 … */
  se(): number {
    const code = this.ue();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }

  #bit(): number {
    const byte = this.#bytes[this.#position >> 3];
    if (byte === undefined) throw this.#truncated();
    const bit = (byte >> (7 - (this.#position & 7))) & 1;
    this.#position++;
    return bit;
  }

  #truncated(): ProtocolError {
    return new ProtocolError(
      this.#truncatedCode,
      `expected more than the ${this.#bytes.length} bytes of a parameter set`,
    );
  }
}
