import { endSequence } from '../hls/changes.ts';
import type { ByteRange, Key, MediaMap, MediaPlaylist, Part, Segment } from '../hls/media-playlist.ts';
import type { Position } from './start-position.ts';

/** What to load next. */
export interface Item {
  readonly kind: 'segment' | 'part' | 'hint';
  /** Media sequence number. */
  readonly sequence: number;
  /** Index within the segment; 0 for a whole segment. */
  readonly part: number;
  readonly url: string;
  readonly range: { readonly offset: number; readonly length: number | null } | null;
  /** As the playlist says; of a hint that says nothing: the part target. */
  readonly durationMs: number;
  readonly map: MediaMap | null;
  readonly key: Key | null;
  /** Discontinuity sequence number. */
  readonly discontinuity: number;
}

/** What the playlist has for the cursor: something to load, or why not. */
export type Next = Item | 'wait' | 'behind' | 'over';

/**
 * Where a viewer is in a media playlist: the next segment or part to load.
 *
 *     segments   ├ 41 ┼ 42 ┼ 43 ┤               whole segments
 *     parts                     ├ 0 ┼ 1 ┤ 2     of the one that is being made (44), and the hint of the next
 *                    behind ◄── cursor ──► wait
 */
export class Cursor {
  sequence = Number.NaN;
  part = 0;
  /** The part that was loaded by its hint: which segment it belongs to, only the next playlist tells. */
  #hinted: { readonly url: string; readonly offset: number } | null = null;

  get placed(): boolean {
    return !Number.isNaN(this.sequence);
  }

  place({ sequence, part }: Position): void {
    this.sequence = sequence;
    this.part = part;
  }

  /** Passes over gaps on its way: `skippedMs` of media that the server has not. */
  next(playlist: MediaPlaylist, lowLatency: boolean): Next {
    const open = endSequence(playlist);
    if (this.sequence < playlist.mediaSequence) return 'behind';
    for (; this.sequence < open; this.#toSegment(this.sequence + 1)) {
      const segment = playlist.segments[this.sequence - playlist.mediaSequence]!;
      if (segment.gap) continue;
      if (this.part === 0) return segmentItem(segment);
      for (; this.part < segment.parts.length; this.part++) {
        const part = segment.parts[this.part]!;
        if (!part.gap && !this.#wasHinted(part)) return this.#partItem(part, segment.discontinuity);
      }
      // All its parts have been loaded, or they are listed no more.
    }
    if (playlist.ended) return 'over';
    if (this.sequence > open || !lowLatency || playlist.partTargetMs === null) return 'wait';
    for (; this.part < playlist.parts.length; this.part++) {
      const part = playlist.parts[this.part]!;
      if (!part.gap && !this.#wasHinted(part)) return this.#partItem(part, playlist.partsDiscontinuity);
    }
    return this.#hintOf(playlist) ?? 'wait';
  }

  /** The item has been loaded, or given up. */
  passed(item: Item): void {
    this.#hinted = item.kind === 'hint' ? { url: item.url, offset: item.range?.offset ?? 0 } : null;
    if (item.kind === 'segment') this.#toSegment(item.sequence + 1);
    else {
      this.sequence = item.sequence;
      this.part = item.part + 1;
    }
  }

  /** The next playlist may have given the rest of a segment as the next one's number: only ever forwards. */
  #toSegment(sequence: number): void {
    this.sequence = sequence;
    this.part = 0;
  }

  #wasHinted({ url, range }: Part): boolean {
    return this.#hinted !== null && this.#hinted.url === url && this.#hinted.offset === (range?.offset ?? 0);
  }

  #partItem(part: Part, discontinuity: number): Item {
    return { kind: 'part', sequence: this.sequence, part: this.part, discontinuity, ...withoutFlags(part) };
  }

  /** 4.4.5.3: what will come next can be asked for already; the answer comes when it is there. */
  #hintOf(playlist: MediaPlaylist): Item | null {
    const hint = playlist.preloadHints.find(({ type }) => type === 'part');
    const last = playlist.parts.at(-1) ?? playlist.segments.at(-1);
    if (hint === undefined || last === undefined || this.part !== playlist.parts.length) return null;
    return {
      kind: 'hint',
      sequence: this.sequence,
      part: this.part,
      url: hint.url,
      range: hint.offset === 0 && hint.length === null ? null : { offset: hint.offset, length: hint.length },
      durationMs: playlist.partTargetMs ?? 0,
      map: last.map,
      key: last.key,
      discontinuity: playlist.partsDiscontinuity,
    };
  }
}

function segmentItem({ sequence, url, range, durationMs, map, key, discontinuity }: Segment): Item {
  return { kind: 'segment', sequence, part: 0, url, range, durationMs, map, key, discontinuity };
}

function withoutFlags({ url, range, durationMs, map, key }: Part): {
  url: string;
  range: ByteRange | null;
  durationMs: number;
  map: MediaMap | null;
  key: Key | null;
} {
  return { url, range, durationMs, map, key };
}
