import type { ByteRange, Segment } from '../../core/hls/media-playlist.ts';
import type { HlsPackager } from '../../core/hls/packager.ts';

const SEGMENTS_PER_RESOURCE = 4;

/** Puts four segments of a packager into one resource, `range-0.ts`, of which each is a byte range. */
export class SegmentRanges {
  readonly #packager: HlsPackager;
  /** By sequence number. Segments go, offsets stay. */
  readonly #offsets: number[] = [];

  constructor(packager: HlsPackager) {
    this.#packager = packager;
  }

  place({ sequence, url }: Segment): { url: string; range: ByteRange } {
    this.learn();
    const extension = url.slice(url.lastIndexOf('.'));
    const length = this.#packager.segment(sequence)?.bytes.length ?? 0;
    return {
      url: `range-${Math.floor(sequence / SEGMENTS_PER_RESOURCE)}${extension}`,
      range: { offset: this.#offsets[sequence] ?? 0, length },
    };
  }

  /** What there is of the resource by now; zeros where segments have gone already. */
  bytes(name: string): Uint8Array | null {
    this.learn();
    const first = Number(/\d+/.exec(name)?.[0] ?? -1) * SEGMENTS_PER_RESOURCE;
    const pieces: Uint8Array[] = [];
    for (let sequence = first; sequence < first + SEGMENTS_PER_RESOURCE; sequence++) {
      const { bytes } = this.#packager.segment(sequence) ?? {};
      const next = this.#offsets[sequence + 1] ?? 0;
      if (bytes) pieces.push(bytes);
      else if (next > 0) pieces.push(new Uint8Array(next - this.#offsets[sequence]!));
    }
    return pieces.length === 0 ? null : Buffer.concat(pieces);
  }

  /** To be called while segments come: one that went before is not known. */
  learn(): void {
    for (let sequence = this.#offsets.length; sequence < this.#packager.openSequence; sequence++) {
      const before = this.#packager.segment(sequence - 1)?.bytes.length ?? 0;
      const begins = sequence % SEGMENTS_PER_RESOURCE === 0;
      this.#offsets.push(begins ? 0 : this.#offsets[sequence - 1]! + before);
    }
  }
}
