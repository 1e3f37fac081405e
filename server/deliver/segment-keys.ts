import { createCipheriv, createHmac } from 'node:crypto';
import { initializationVector, type Key } from '../../core/hls/media-playlist.ts';

/**
 * AES-128 of HLS (RFC 8216bis, 4.4.4.4 and 5.2): whole segments, CBC, PKCS#7, a new key after so many segments. Keys follow from a secret
 * of this process and their number, so none has to be kept; none is the same in another life or for another stream.
 */
export class SegmentKeys {
  readonly #secret: Uint8Array;
  readonly #prefix: string;
  readonly #segmentsPerKey: number;
  /** Made once for all viewers; goes with the segment. */
  readonly #encrypted = new WeakMap<Uint8Array, Uint8Array>();

  /** @param secret 32 random bytes, of this stream and life @param prefix before the names of keys */
  constructor(secret: Uint8Array, prefix: string, segmentsPerKey: number) {
    this.#secret = secret;
    this.#prefix = prefix;
    this.#segmentsPerKey = segmentsPerKey;
  }

  keyOf(sequence: number): Key {
    const number = this.#numberOf(sequence);
    return { method: 'AES-128', url: `${this.#prefix}key-${number}.key`, iv: null, keyFormat: 'identity' };
  }

  /** The 16 bytes behind a name that `keyOf` gave for one of the segments `first` to `last`; null: not one of these. */
  bytesOf(name: string, first: number, last: number): Uint8Array | null {
    const number = Number(/key-(\d{1,15})\.key$/.exec(name)?.[1] ?? Number.NaN);
    if (name !== `${this.#prefix}key-${number}.key`) return null;
    return number >= this.#numberOf(first) && number <= this.#numberOf(last) ? this.#key(number) : null;
  }

  encrypt(bytes: Uint8Array, sequence: number): Uint8Array {
    const known = this.#encrypted.get(bytes);
    if (known) return known;
    const iv = initializationVector(this.keyOf(sequence), sequence);
    const cipher = createCipheriv('aes-128-cbc', this.#key(this.#numberOf(sequence)), iv);
    const encrypted = Buffer.concat([cipher.update(bytes), cipher.final()]);
    this.#encrypted.set(bytes, encrypted);
    return encrypted;
  }

  #numberOf(sequence: number): number {
    return Math.floor(sequence / this.#segmentsPerKey);
  }

  #key(number: number): Uint8Array {
    return createHmac('sha256', this.#secret).update(String(number)).digest().subarray(0, 16);
  }
}
