import { DEFAULT_PLAYLIST_LIMITS } from '../../core/hls/limits.ts';
import type { MediaPlaylist } from '../../core/hls/media-playlist.ts';
import type { MultivariantPlaylist } from '../../core/hls/multivariant-playlist.ts';
import { parseMediaPlaylist } from '../../core/hls/parse-media.ts';
import { parsePlaylist } from '../../core/hls/parse-playlist.ts';
import { PlaylistText } from '../../core/hls/playlist-text.ts';

/**
 * Playlists as they were last read, by the viewers of one thread together: thousands of viewers of one stream load the same
 * text, and reading it is what costs. What is compared is every byte, so no two texts are ever taken for each other.
 */
export class PlaylistCache {
  /** Insertion order is order of use: the first is the one to go. */
  readonly #entries = new Map<string, CachedPlaylist>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  newest(url: string): CachedPlaylist | undefined {
    return this.#entries.get(url);
  }

  put(url: string, entry: CachedPlaylist): void {
    this.#bytes -= this.#entries.get(url)?.bytes.length ?? 0;
    this.#entries.delete(url);
    // One that is larger than its share would drive out all the others.
    if (entry.bytes.length > this.#maxBytes / 4) return;
    this.#entries.set(url, entry);
    this.#bytes += entry.bytes.length;
    for (const [oldest, { bytes }] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#entries.delete(oldest);
      this.#bytes -= bytes.length;
    }
  }
}

export interface CachedPlaylist {
  readonly bytes: Uint8Array;
  readonly playlist: MediaPlaylist | MultivariantPlaylist;
  /** What a delta update was merged onto; null for a whole playlist. */
  readonly base: MediaPlaylist | null;
}

/** One for the viewers of a thread. */
export const playlistCache: PlaylistCache = new PlaylistCache(16 * 1024 * 1024);

const NONE: ReadonlyMap<string, string> = new Map();

/**
 * Takes the bytes of one playlist as they come. As long as they are those of the newest known version of it they are only
 * compared; from the first that differs on they are kept.
 */
export class PlaylistIntake {
  readonly #cache: PlaylistCache;
  #url = '';
  #known: CachedPlaylist | undefined;
  /** So many bytes were those of the known one. */
  #same = 0;
  #text: PlaylistText | null = null;
  #kept: Uint8Array[] = [];

  constructor(cache: PlaylistCache = playlistCache) {
    this.#cache = cache;
  }

  /** `url`: where the playlist is, without delivery directives. */
  begin(url: string): void {
    this.#url = url;
    this.#known = this.#cache.newest(url);
    this.#same = 0;
    this.#text = null;
    this.#kept = [];
  }

  /** Throws `HLS_PLAYLIST_TOO_LARGE` or `HLS_NOT_A_PLAYLIST`, as soon as it shows. */
  push(bytes: Uint8Array, start: number, end: number): void {
    if (this.#text === null) {
      const known = this.#known?.bytes;
      const to = this.#same + end - start;
      if (known !== undefined && to <= known.length) {
        if (Buffer.compare(known.subarray(this.#same, to), bytes.subarray(start, end)) === 0) {
          this.#same = to;
          return;
        }
      }
      this.#differs();
    }
    this.#text!.push(bytes, start, end);
    this.#kept.push(bytes.slice(start, end));
  }

  /**
   * All has come. `previous`: the version before, of a media playlist; null before the first, when it may be of either kind. `variables`: of
   * the multivariant playlist. Throws what `parsePlaylist` throws.
   */
  end(
    previous: MediaPlaylist | null,
    variables: ReadonlyMap<string, string> = NONE,
  ): MediaPlaylist | MultivariantPlaylist {
    const known = this.#known;
    this.#known = undefined;
    if (this.#text === null && known !== undefined && this.#same === known.bytes.length) {
      // A delta update means something else to whoever has another version before it.
      if ((known.base === null || known.base === previous) && variables.size === 0) return known.playlist;
    }
    if (this.#text === null) {
      this.#known = known;
      this.#differs();
      this.#known = undefined;
    }
    const text = this.#text!.end();
    this.#text = null;
    const options = { url: this.#url, previous, variables, limits: DEFAULT_PLAYLIST_LIMITS };
    const playlist = previous === null ? parsePlaylist(text, options) : parseMediaPlaylist(text, options);
    const isDelta = playlist.kind === 'media' && playlist.skippedSegments > 0;
    if (variables.size === 0) {
      this.#cache.put(this.#url, {
        bytes: Buffer.concat(this.#kept),
        playlist,
        base: isDelta ? previous : null,
      });
    }
    this.#kept = [];
    return playlist;
  }

  /** What was only compared so far is needed after all. */
  #differs(): void {
    this.#text = new PlaylistText();
    if (this.#same === 0) return;
    const same = this.#known!.bytes.subarray(0, this.#same);
    this.#text.push(same);
    this.#kept.push(same);
  }
}
