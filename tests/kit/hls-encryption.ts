import { createCipheriv, createHash } from 'node:crypto';
import { initializationVector, type Key } from '../../core/hls/media-playlist.ts';

export interface OriginEncryption {
  /** A new key after so many segments. Default 3. */
  readonly segmentsPerKey?: number;
  /** IV in the playlist; without it, it is the segment's sequence number. */
  readonly explicitIv?: boolean;
}

/** AES-128 of RFC 8216bis, 5.2: whole segments, CBC, PKCS#7. Keys follow from their numbers. */
export class SegmentEncryption {
  readonly #options: OriginEncryption;

  constructor(options: OriginEncryption) {
    this.#options = options;
  }

  keyOf(sequence: number): Key {
    const number = Math.floor(sequence / (this.#options.segmentsPerKey ?? 3));
    const iv = this.#options.explicitIv ? Uint8Array.from(digest(`iv ${number}`)) : null;
    return { method: 'AES-128', url: `key-${number}.key`, iv, keyFormat: 'identity' };
  }

  /** The bytes behind `key-<number>.key`. */
  keyBytes(name: string): Uint8Array {
    return digest(name);
  }

  encrypt(bytes: Uint8Array, sequence: number): Uint8Array {
    const key = this.keyOf(sequence);
    const cipher = createCipheriv(
      'aes-128-cbc',
      this.keyBytes(key.url!),
      initializationVector(key, sequence),
    );
    return Buffer.concat([cipher.update(bytes), cipher.final()]);
  }
}

function digest(text: string): Uint8Array {
  return createHash('md5').update(text).digest();
}
