import { HlsPackager, type PackagerOptions } from '../../core/hls/packager.ts';
import type { WrittenPlaylist } from '../../core/hls/write-media-playlist.ts';
import type { LiveMedia, LiveTag } from './live-media.ts';

export interface RenditionOptions extends Omit<PackagerOptions, 'type'> {
  readonly type: 'live' | 'event' | 'vod';
  readonly media: LiveMedia;
  /** Media times at which the clock of the stream leaps by ten minutes, as when another publisher takes over. */
  readonly leapsAtMs: readonly number[];
}

const LEAP_MS = 600_000;

/** One media playlist of the origin: a live stream and its packager, moved on by the origin's timer. */
export class HlsRendition {
  readonly packager: HlsPackager;
  readonly type: RenditionOptions['type'];
  readonly #tags: Iterator<LiveTag, never>;
  readonly #startWallMs: number;
  readonly #leapsAtMs: number[];
  #next: LiveTag;
  #leapMs = 0;
  #waiting: (() => void)[] = [];
  #shownRevision = -1;
  #shown: WrittenPlaylist | null = null;

  constructor({ media, type, leapsAtMs, ...packager }: RenditionOptions, startWallMs: number) {
    this.type = type;
    this.packager = new HlsPackager({ ...packager, type: type === 'live' ? 'live' : 'event' });
    this.#startWallMs = startWallMs;
    this.#leapsAtMs = [...leapsAtMs].sort((a, b) => a - b);
    this.#tags = media(startWallMs);
    this.#next = this.#tags.next().value;
  }

  /** Packs what was captured before `mediaMs` after the beginning. */
  advance(mediaMs: number): void {
    const { revision } = this.packager;
    while (this.#next.atMs <= mediaMs) {
      const { tag, atMs } = this.#next;
      if (this.#leapsAtMs.length > 0 && atMs >= this.#leapsAtMs[0]!) {
        this.#leapsAtMs.shift();
        this.#leapMs += LEAP_MS;
      }
      const timestampMs = tag.timestampMs + this.#leapMs;
      this.packager.push({ ...tag, timestampMs }, this.#startWallMs + atMs);
      this.#next = this.#tags.next().value;
    }
    if (this.packager.revision !== revision) this.#wake();
  }

  end(): void {
    this.packager.end();
    this.#wake();
  }

  /** Resolves when the playlist has changed, or the origin stops. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  playlist(): WrittenPlaylist | null {
    const { revision } = this.packager;
    if (revision !== this.#shownRevision) {
      const written = this.packager.playlist();
      this.#shown = written && this.type === 'vod' ? { ...written, type: 'vod' } : written;
      this.#shownRevision = revision;
    }
    return this.#shown;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
