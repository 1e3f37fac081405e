import type { AccessUnitSink } from '../access-unit.ts';
import { ProtocolError } from '../media.ts';
import { Mp4Demuxer } from '../mp4/demuxer.ts';
import { TsDemuxer } from '../mpegts/demuxer.ts';
import { PackedAudioDemuxer } from './packed-audio.ts';

/**
 * Reads the segments of one rendition, whatever they are: MPEG-TS, fragmented MP4, or packed AAC. What a segment is shows in
 * its first byte, so names and media types of files are not needed.
 */
export class SegmentReader {
  readonly #sink: AccessUnitSink;
  readonly #headBytes: number;
  #ts: TsDemuxer | null = null;
  #mp4: Mp4Demuxer | null = null;
  #audio: PackedAudioDemuxer | null = null;
  #reading: 'nothing' | 'ts' | 'mp4' | 'audio' = 'nothing';

  constructor(sink: AccessUnitSink, headBytes: number) {
    this.#sink = sink;
    this.#headBytes = headBytes;
  }

  /**
   * A segment, part or init segment begins, or a byte range of one at `offset`. `continuous`: it goes on where the last one ended,
   * as the parts of one segment do.
   */
  begin(offset: number): void {
    this.#reading = 'nothing';
    this.#mp4?.begin(offset);
  }

  /** What comes next has other clocks and counters: after EXT-X-DISCONTINUITY, or of another rendition. */
  discontinuity(): void {
    this.#ts?.discontinuity();
  }

  /** Throws a `ProtocolError` on broken bytes. */
  push(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    if (this.#reading === 'nothing') this.#open(bytes[start]!);
    if (this.#reading === 'ts') this.#ts!.push(bytes, start, end);
    else if (this.#reading === 'mp4') this.#mp4!.push(bytes, start, end);
    else this.#audio!.push(bytes, start, end);
  }

  /** All of it has come. Throws a `ProtocolError` if it was cut off, or empty. */
  end(): void {
    switch (this.#reading) {
      case 'nothing':
        throw new ProtocolError('HLS_EMPTY', 'expected a segment, got no bytes');
      case 'ts':
        this.#ts!.flush();
        break;
      case 'mp4':
        if (!this.#mp4!.atBoundary) {
          throw new ProtocolError('HLS_CUT_OFF', 'expected whole MP4 boxes, got a segment that ends in one');
        }
        break;
      case 'audio':
        this.#audio!.flush();
        break;
    }
  }

  #open(first: number): void {
    // ISO/IEC 14496-12: a box of less than 16 MiB; 'I' of ID3, or an ADTS syncword; else it must be TS, or is refused as none.
    if (first === 0x00) {
      this.#mp4 ??= new Mp4Demuxer(this.#sink, { headBytes: this.#headBytes });
      this.#reading = 'mp4';
    } else if (first === 0x49 || first === 0xff) {
      this.#audio ??= new PackedAudioDemuxer(this.#sink, this.#headBytes);
      this.#audio.begin();
      this.#reading = 'audio';
    } else {
      this.#ts ??= new TsDemuxer(this.#sink, {
        headBytes: this.#headBytes,
        soundHeadBytes: 0,
        headEndsAtSlice: true,
        maxTableGapMs: Number.POSITIVE_INFINITY,
      });
      this.#reading = 'ts';
    }
  }
}
