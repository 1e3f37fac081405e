import { ProtocolError } from '../media.ts';
import { DEFAULT_PLAYLIST_LIMITS, tooLarge } from './limits.ts';

const SIGNATURE = '#EXTM3U';
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/**
 * Collects the bytes of a playlist as they arrive, and gives its text. A body that is too large or that is no playlist is
 * refused as soon as that shows, so that an endless answer ends here.
 */
export class PlaylistText {
  readonly #maxBytes: number;
  #bytes = new Uint8Array(0);
  #held = 0;

  constructor(maxBytes: number = DEFAULT_PLAYLIST_LIMITS.maxBytes) {
    this.#maxBytes = maxBytes;
  }

  /** Copies `bytes[start, end)`. Throws `HLS_PLAYLIST_TOO_LARGE` or `HLS_NOT_A_PLAYLIST`. */
  push(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const needed = this.#held + end - start;
    if (needed > this.#maxBytes) throw tooLarge('HLS_PLAYLIST_TOO_LARGE', 'bytes', this.#maxBytes, needed);
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, Math.min(this.#maxBytes, this.#bytes.length * 2)));
      larger.set(this.#bytes.subarray(0, this.#held));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes.subarray(start, end), this.#held);
    const wasShort = this.#held < SIGNATURE.length + BYTE_ORDER_MARK.length;
    this.#held = needed;
    if (wasShort) this.#checkSignature();
  }

  /** The whole text; the bytes are let go. UTF-8 that is broken becomes U+FFFD, as in players. */
  end(): string {
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.#bytes.subarray(0, this.#held));
    this.#bytes = new Uint8Array(0);
    this.#held = 0;
    return text;
  }

  #checkSignature(): void {
    const first = this.#bytes[0] === BYTE_ORDER_MARK[0] ? BYTE_ORDER_MARK.length : 0;
    const there = Math.min(this.#held, first + SIGNATURE.length);
    for (let at = first; at < there; at++) {
      if (this.#bytes[at] !== SIGNATURE.charCodeAt(at - first))
        throw notAPlaylist(this.#bytes.subarray(0, there));
    }
  }
}

function notAPlaylist(bytes: Uint8Array): ProtocolError {
  const got = JSON.stringify(String.fromCharCode(...bytes));
  return new ProtocolError(
    'HLS_NOT_A_PLAYLIST',
    `expected a playlist to begin with "${SIGNATURE}", got ${got}`,
  );
}
