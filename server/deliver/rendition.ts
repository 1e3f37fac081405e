/**
 * One media playlist: a packager, those who wait for it to move on, and its text.
 */
import { HlsPackager, type PackagerOptions } from '../../core/hls/packager.ts';
import type { Container } from '../../core/hls/segment-muxer.ts';
import type { WrittenPlaylist } from '../../core/hls/write-media-playlist.ts';
import type { MediaTag } from '../../core/media.ts';
import type { SegmentKeys } from './segment-keys.ts';

interface Waiter {
  readonly isThere: () => boolean;
  readonly resolve: (isThere: boolean) => void;
}

export interface RenditionBandwidth {
  /** Bits per second of the largest segment that is shown, as BANDWIDTH wants it, and of all. */
  readonly peak: number;
  readonly average: number;
}

export class Rendition {
  readonly packager: HlsPackager;
  readonly container: Container;
  readonly keys: SegmentKeys | null;
  readonly #waiters = new Set<Waiter>();
  #shownRevision = -1;
  #shown: WrittenPlaylist | null = null;
  #segments = 0;
  #lastSequence: number;

  constructor(options: PackagerOptions, keys: SegmentKeys | null) {
    this.packager = new HlsPackager(options);
    this.container = options.container;
    this.keys = keys;
    this.#lastSequence = this.packager.openSequence;
  }

  /** Segments made since the beginning. */
  get segments(): number {
    return this.#segments;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** @throws ProtocolError for a configuration that cannot be read */
  push(tag: MediaTag, wallMs: number): void {
    this.#changing(() => this.packager.push(tag, wallMs));
  }

  /** What comes next has nothing to do with what came before. */
  restart(): void {
    this.#changing(() => this.packager.restart());
  }

  end(): void {
    this.#changing(() => this.packager.end());
  }

  /** As the packager tells it, with keys; null before the first segment. */
  playlist(): WrittenPlaylist | null {
    const { revision } = this.packager;
    if (revision !== this.#shownRevision) {
      this.#shown = this.#withKeys(this.packager.playlist());
      this.#shownRevision = revision;
    }
    return this.#shown;
  }

  bandwidth(): RenditionBandwidth | null {
    const playlist = this.playlist();
    if (playlist === null) return null;
    let bits = 0;
    let durationMs = 0;
    let peak = 0;
    for (const { sequence } of playlist.segments) {
      const segment = this.packager.segment(sequence);
      if (segment === null || segment.durationMs <= 0) continue;
      bits += segment.bytes.length * 8;
      durationMs += segment.durationMs;
      // A piece that was cut short says nothing of a rate that has to be sustained.
      if (segment.durationMs >= playlist.targetDurationMs / 2)
        peak = Math.max(peak, (segment.bytes.length * 8_000) / segment.durationMs);
    }
    if (durationMs === 0) return null;
    const average = Math.ceil((bits * 1_000) / durationMs);
    return { peak: Math.max(Math.ceil(peak), average), average };
  }

  /**
   * Resolves when it is there (true), or the time is over, the stream has ended, or nobody waits any more (false).
   * Asked again after each change.
   */
  until(isThere: () => boolean, timeoutMs: number, gone: AbortSignal): Promise<boolean> {
    if (isThere()) return Promise.resolve(true);
    if (this.packager.ended || gone.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const finish = (result: boolean) => {
        clearTimeout(timer);
        gone.removeEventListener('abort', giveUp);
        this.#waiters.delete(waiter);
        resolve(result);
      };
      const giveUp = () => finish(false);
      const waiter: Waiter = { isThere, resolve: finish };
      const timer = setTimeout(giveUp, timeoutMs);
      gone.addEventListener('abort', giveUp, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** Nobody shall wait any more: the server stops, or the stream is taken away. */
  release(): void {
    for (const { resolve } of [...this.#waiters]) resolve(false);
  }

  #changing(change: () => void): void {
    const { revision } = this.packager;
    try {
      change();
    } finally {
      if (this.packager.revision !== revision) this.#wake();
    }
  }

  #wake(): void {
    const open = this.packager.openSequence;
    if (open > this.#lastSequence) this.#segments += open - this.#lastSequence;
    this.#lastSequence = open;
    const hasEnded = this.packager.ended;
    for (const { isThere, resolve } of [...this.#waiters]) {
      if (isThere()) resolve(true);
      else if (hasEnded) resolve(false);
    }
  }

  #withKeys(playlist: WrittenPlaylist | null): WrittenPlaylist | null {
    const { keys } = this;
    if (playlist === null || keys === null) return playlist;
    const segments = playlist.segments.map((segment) => ({ ...segment, key: keys.keyOf(segment.sequence) }));
    return { ...playlist, segments };
  }
}
