import { type AccessUnitSink, DEFAULT_MAX_UNIT_BYTES } from '../access-unit.ts';
import { ProtocolError } from '../media.ts';
import { boxName, boxType, read32, read64 } from './box.ts';
import { readFragment } from './fragment.ts';
import { type MovieTrack, readMovie } from './movie.ts';
import { SampleCursor } from './sample-cursor.ts';

/**
 * Reads fragmented MP4 (ISO/IEC 14496-12) piece by piece: an init segment, then media segments or low-latency parts, or all
 * of it in one stream.
 *
 *     ftyp moov │ styp sidx emsg moof mdat │ moof mdat │ …
 *          kept                  kept └ heads of samples delivered, the rest counted where it lies
 */
export interface Mp4DemuxerOptions {
  /** How much of each sample the sink wants. Default: all of it. */
  readonly headBytes?: number;
  /** A longer sample is refused (`MP4_SAMPLE_TOO_LARGE`). Default 8 MiB. */
  readonly maxUnitBytes?: number;
}

/** `moov` and `moof` are read when they are whole; larger ones are refused. One of 65,536 samples has 1 MiB. */
export const MAX_HEADER_BOX_BYTES = 2 * 1024 * 1024;

const MOOV = boxType('moov');
const MOOF = boxType('moof');
const MDAT = boxType('mdat');
/** What a resource may begin with; anything else (a web page, a playlist, an encrypted segment) is no MP4. */
const FIRST_BOXES = new Set(
  'ftyp styp moov moof mdat sidx ssix emsg prft free skip wide uuid pdin meta'.split(' ').map(boxType),
);

const SHORT_HEAD_BYTES = 8;
const LONG_HEAD_BYTES = 16;

type State = 0 | 1 | 2 | 3;
const HEAD = 0;
const KEEP = 1;
const SKIP = 2;
const DATA = 3;

export class Mp4Demuxer {
  readonly #sink: AccessUnitSink;
  readonly #headBytes: number;
  readonly #maxUnitBytes: number;
  /** By track_ID; null: known, but of no codec that is measured. */
  #tracks: ReadonlyMap<number, MovieTrack | null> = new Map();
  readonly #nextTicks = new Map<number, number>();
  readonly #cursor = new SampleCursor();

  #state: State = HEAD;
  readonly #head = new Uint8Array(LONG_HEAD_BYTES);
  /** Bytes of a box's head that are held. */
  #held = 0;
  #boxType = 0;
  /** Content of the present box that is still to come; infinite for a last box without a size. */
  #rest = 0;
  #boxOffset = 0;
  /** Where in its resource the next byte lies. */
  #position = 0;
  #hasBoxes = false;

  /** A kept box; `moof` stays here while its samples come. */
  #kept = EMPTY;
  #keptBytes = 0;
  #sampleHead = EMPTY;
  #sampleHeld = 0;
  #sampleGot = 0;
  #inSample = false;
  #headGiven = false;

  constructor(sink: AccessUnitSink, options: Mp4DemuxerOptions = {}) {
    this.#sink = sink;
    this.#headBytes = options.headBytes ?? Number.POSITIVE_INFINITY;
    this.#maxUnitBytes = options.maxUnitBytes ?? DEFAULT_MAX_UNIT_BYTES;
  }

  /** False while a box or a fragment's samples are incomplete: a resource that ends then was cut off. */
  get atBoundary(): boolean {
    const isEndless = this.#state !== HEAD && this.#rest === Number.POSITIVE_INFINITY;
    return (this.#state === HEAD ? this.#held === 0 : isEndless) && this.#cursor.run === null;
  }

  /**
   * A new resource begins, or a byte range of one at `offset`; what was under way of the last one ends. The tracks stay.
   * Look at `atBoundary` before, to know whether the last one was whole.
   */
  begin(offset = 0): void {
    if (this.#inSample) this.#endSample();
    this.#cursor.clear();
    this.#state = HEAD;
    this.#held = 0;
    this.#position = offset;
    this.#hasBoxes = false;
  }

  /** Takes the next bytes, `bytes[start, end)`; they are not kept. Throws a `ProtocolError` (`MP4_…`) on broken bytes. */
  push(bytes: Uint8Array, start = 0, end = bytes.length): void {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case HEAD:
          at = this.#takeHead(bytes, at, end);
          break;
        case KEEP:
          at = this.#keep(bytes, at, end);
          break;
        case DATA:
          at = this.#takeData(bytes, at, end);
          break;
        case SKIP: {
          const taken = Math.min(this.#rest, end - at);
          at += taken;
          this.#advance(taken);
          break;
        }
      }
    }
  }

  #takeHead(bytes: Uint8Array, start: number, end: number): number {
    const head = this.#head;
    let at = start;
    while (at < end) {
      const wanted =
        this.#held >= SHORT_HEAD_BYTES && read32(head, 0) === 1 ? LONG_HEAD_BYTES : SHORT_HEAD_BYTES;
      if (this.#held < wanted) {
        head[this.#held++] = bytes[at++]!;
        this.#position++;
      }
      const isLong = this.#held >= SHORT_HEAD_BYTES && read32(head, 0) === 1;
      if (this.#held === (isLong ? LONG_HEAD_BYTES : SHORT_HEAD_BYTES)) {
        this.#beginBox();
        return at;
      }
    }
    return at;
  }

  #beginBox(): void {
    const headBytes = this.#held;
    const said = headBytes === LONG_HEAD_BYTES ? read64(this.#head, 8) : read32(this.#head, 0);
    const type = read32(this.#head, 4);
    this.#held = 0;
    if (!this.#hasBoxes && !FIRST_BOXES.has(type)) {
      throw new ProtocolError(
        'MP4_FIRST_BOX',
        `expected an MP4 segment, got something that begins with ${JSON.stringify(boxName(type))}`,
      );
    }
    this.#hasBoxes = true;
    if (said !== 0 && said < headBytes) {
      throw new ProtocolError('MP4_BOX_SIZE', `expected a box of at least ${headBytes} bytes, got ${said}`);
    }
    this.#boxType = type;
    this.#boxOffset = this.#position - headBytes;
    // 4.2: size 0 is allowed for the last box of a file, which is endless for us.
    this.#rest = said === 0 ? Number.POSITIVE_INFINITY : said - headBytes;
    if (type === MOOV || type === MOOF) this.#beginKeep();
    else if (type === MDAT && this.#cursor.run !== null) this.#beginData();
    else this.#state = SKIP;
    if (this.#rest === 0) this.#endBox();
  }

  #beginKeep(): void {
    if (this.#rest > MAX_HEADER_BOX_BYTES) {
      throw new ProtocolError(
        'MP4_BOX_TOO_LARGE',
        `expected "${boxName(this.#boxType)}" of at most ${MAX_HEADER_BOX_BYTES} bytes, got ${this.#rest}`,
      );
    }
    if (this.#cursor.run !== null) throw outside('before the next fragment');
    this.#state = KEEP;
    this.#keptBytes = 0;
  }

  #keep(bytes: Uint8Array, start: number, end: number): number {
    const taken = Math.min(this.#rest, end - start);
    const needed = this.#keptBytes + taken;
    if (this.#kept.length < needed) {
      // Grows as bytes come in, not by what the box claims.
      const whole = this.#keptBytes + this.#rest;
      const kept = new Uint8Array(Math.max(needed, Math.min(whole, this.#kept.length * 2)));
      kept.set(this.#kept.subarray(0, this.#keptBytes));
      this.#kept = kept;
    }
    this.#kept.set(bytes.subarray(start, start + taken), this.#keptBytes);
    this.#keptBytes = needed;
    this.#advance(taken);
    return start + taken;
  }

  #advance(taken: number): void {
    this.#position += taken;
    this.#rest -= taken;
    if (this.#rest === 0) this.#endBox();
  }

  #endBox(): void {
    const wasKept = this.#state === KEEP;
    this.#state = HEAD;
    if (!wasKept) return;
    if (this.#boxType === MOOV) this.#readMoov();
    else this.#readMoof();
  }

  #readMoov(): void {
    this.#tracks = readMovie(this.#kept, 0, this.#keptBytes);
    this.#nextTicks.clear();
    this.#kept = EMPTY;
    this.#sink.tracks(Array.from(this.#tracks.values()).flatMap((known) => known?.track ?? []));
  }

  #readMoof(): void {
    if (this.#tracks.size === 0) {
      throw new ProtocolError('MP4_NO_INIT', 'expected an init segment before the first fragment');
    }
    const runs = readFragment(this.#kept, 0, this.#keptBytes, this.#boxOffset, this.#tracks, this.#nextTicks);
    this.#cursor.begin(this.#kept, runs);
  }

  #beginData(): void {
    this.#state = DATA;
    if (this.#cursor.offset < this.#position) throw outside('before its data');
    this.#passEmptySamples();
  }

  #takeData(bytes: Uint8Array, start: number, end: number): number {
    const cursor = this.#cursor;
    const boxEnd = Math.min(end, start + this.#rest);
    if (cursor.run === null) {
      this.#state = SKIP;
      return start;
    }
    if (!this.#inSample) {
      const gap = Math.min(cursor.offset - this.#position, boxEnd - start);
      if (gap > 0) {
        this.#advance(gap);
        return start + gap;
      }
      this.#beginSample();
    }
    const taken = Math.min(cursor.bytes - this.#sampleGot, boxEnd - start);
    if (!this.#headGiven) this.#takeSampleHead(bytes, start, start + taken);
    this.#sampleGot += taken;
    const isWhole = this.#sampleGot === cursor.bytes;
    if (isWhole) {
      this.#endSample();
      cursor.next();
      if (cursor.run !== null && cursor.offset < this.#position + taken) throw outside('in the one before');
    }
    this.#advance(taken);
    if (isWhole && this.#state === DATA) this.#passEmptySamples();
    return start + taken;
  }

  /** A sample of no bytes would wait for the next byte to come. */
  #passEmptySamples(): void {
    const cursor = this.#cursor;
    while (cursor.run !== null && cursor.bytes === 0 && cursor.offset === this.#position) {
      this.#beginSample();
      this.#takeSampleHead(EMPTY, 0, 0);
      this.#endSample();
      cursor.next();
    }
  }

  #beginSample(): void {
    if (this.#cursor.bytes > this.#maxUnitBytes) {
      throw new ProtocolError(
        'MP4_SAMPLE_TOO_LARGE',
        `expected a sample of at most ${this.#maxUnitBytes} bytes, got one of ${this.#cursor.bytes}`,
      );
    }
    this.#inSample = true;
    this.#headGiven = false;
    this.#sampleGot = 0;
    this.#sampleHeld = 0;
  }

  #takeSampleHead(bytes: Uint8Array, start: number, end: number): void {
    const wanted = Math.min(this.#headBytes, this.#cursor.bytes);
    const missing = wanted - this.#sampleHeld;
    if (this.#sampleHeld === 0 && end - start >= missing) {
      this.#giveHead(bytes, start, start + missing);
      return;
    }
    const taken = Math.min(missing, end - start);
    const needed = this.#sampleHeld + taken;
    if (this.#sampleHead.length < needed) {
      const larger = new Uint8Array(Math.max(needed, Math.min(wanted, this.#sampleHead.length * 2)));
      larger.set(this.#sampleHead.subarray(0, this.#sampleHeld));
      this.#sampleHead = larger;
    }
    this.#sampleHead.set(bytes.subarray(start, start + taken), this.#sampleHeld);
    this.#sampleHeld = needed;
    if (needed === wanted) this.#giveHead(this.#sampleHead, 0, needed);
  }

  #giveHead(bytes: Uint8Array, start: number, end: number): void {
    const { run, ptsMs, dtsMs, key } = this.#cursor;
    this.#headGiven = true;
    this.#sampleHeld = 0;
    this.#sink.head(run!.movieTrack.track, ptsMs, dtsMs, key, bytes, start, end);
  }

  #endSample(): void {
    if (!this.#headGiven) this.#giveHead(this.#sampleHead, 0, this.#sampleHeld);
    this.#inSample = false;
    this.#sink.end(this.#cursor.run!.movieTrack.track, this.#sampleGot);
  }
}

const EMPTY = new Uint8Array(0);
function outside(where: string): ProtocolError {
  return new ProtocolError(
    'MP4_SAMPLE_OFFSET',
    `expected each sample in the data of its fragment, got one ${where}`,
  );
}
