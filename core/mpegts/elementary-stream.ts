import type { AccessUnitSink, MediaTrack } from '../access-unit.ts';
import { AudioFrames } from './audio-frames.ts';
import { isKeyPicture } from './key-picture.ts';
import type { ProgramStream } from './program.ts';
import { readTimestamp, TICKS_PER_MS, TICKS_WRAP, ticksBetween, type Unroller } from './ticks.ts';
import { UnitWriter } from './unit-writer.ts';
import type { TsViolation } from './violation.ts';

/** TR 101 290, 2.5: times of presentation must come at least every 700 ms. */
const MAX_PTS_GAP_TICKS = 700 * TICKS_PER_MS;
/** packet_start_code_prefix to PES_header_data_length. */
const FIXED_HEADER_BYTES = 9;
const MAX_HEADER_BYTES = FIXED_HEADER_BYTES + 255;
const LENGTH_FIELD_END = 6;

type State = 0 | 1 | 2;
const IDLE = 0;
const HEADER = 1;
const PAYLOAD = 2;

export interface UnitLimits {
  readonly headBytes: number;
  readonly soundHeadBytes: number;
  readonly headEndsAtSlice: boolean;
  readonly maxUnitBytes: number;
}

/**
 * One PID of coded picture or sound: its PES packets (ISO/IEC 13818-1, 2.4.3.6) become access units.
 *
 * A PES packet of video is one unit, as all packagers for HLS make it; its length is usually not said, so it ends where
 * the next begins, or with the segment.
 */
export class ElementaryStream {
  readonly track: MediaTrack;
  readonly #unit: UnitWriter;
  readonly #frames: AudioFrames | null;
  readonly #unroller: Unroller;
  readonly #violation: (reason: TsViolation, pid: number) => void;
  #state: State = IDLE;
  #header = EMPTY;
  #held = 0;
  /** Bytes of the PES packet that are still to come; infinite if its length is not said. */
  #rest = 0;
  #marked = false;
  /** Decode time of the last packet that had one, 33 bits. */
  #lastRaw = Number.NaN;
  #lastDts = Number.NaN;
  #intervalTicks = 0;

  constructor(
    { pid, codec }: ProgramStream,
    sink: AccessUnitSink,
    limits: UnitLimits,
    unroller: Unroller,
    violation: (reason: TsViolation, pid: number) => void,
  ) {
    const isVideo = codec === 'h264' || codec === 'h265';
    const kind = isVideo ? 'video' : 'audio';
    this.track = { id: pid, kind, codec, nalLengthBytes: 0, sampleRate: 0, config: null };
    this.#unit = new UnitWriter(
      sink,
      this.track,
      isVideo ? limits.headBytes : limits.soundHeadBytes,
      limits.maxUnitBytes,
      isVideo ? (bytes, start, end, toSlice) => isKeyPicture(bytes, start, end, codec, toSlice) : null,
      isVideo && limits.headEndsAtSlice,
    );
    this.#frames = isVideo
      ? null
      : new AudioFrames(this.track, this.#unit, () => violation('malformed', pid));
    this.#unroller = unroller;
    this.#violation = violation;
  }

  /** The payload of one packet; `randomAccess` is what its adaptation field says. */
  payload(isUnitStart: boolean, randomAccess: boolean, bytes: Uint8Array, start: number, end: number): void {
    if (isUnitStart) {
      if (this.#state === HEADER) this.#malformed();
      this.#endPacket();
      this.#state = HEADER;
      this.#held = 0;
      this.#marked = randomAccess;
    }
    let at = start;
    if (this.#state === HEADER && this.#held === 0) at = this.#readHeaderInPlace(bytes, start, end);
    while (at < end && this.#state === HEADER) at = this.#readHeader(bytes, at, end);
    if (this.#state !== PAYLOAD) return;
    const taken = Math.min(this.#rest, end - at);
    this.#rest -= taken;
    if (this.#frames) this.#frames.add(bytes, at, at + taken);
    else if (this.#unit.isOpen) this.#unit.add(bytes, at, at + taken);
    if (this.#rest === 0) this.#endPacket();
  }

  /** Packets were lost: a header or an audio frame with a hole is of no use, a picture is shown all the same. */
  lostPackets(): void {
    if (this.#state === HEADER) this.#state = IDLE;
    this.#frames?.cut();
  }

  /** The segment ends, and with it what is under way. */
  flush(): void {
    if (this.#state === HEADER || (this.#state === PAYLOAD && Number.isFinite(this.#rest))) this.#malformed();
    this.#endPacket();
    this.#frames?.cut();
  }

  /** What comes now has nothing to do with what came before. */
  discontinuity(): void {
    this.#lastRaw = Number.NaN;
    this.#lastDts = Number.NaN;
  }

  #endPacket(): void {
    this.#state = IDLE;
    // A frame of sound may go on in the next packet.
    if (this.#frames === null) this.#unit.finish();
  }

  /** Nearly always the first packet holds all of it, and it is read where it lies. */
  #readHeaderInPlace(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < FIXED_HEADER_BYTES) return start;
    const headerEnd = start + FIXED_HEADER_BYTES + bytes[start + 8]!;
    if (headerEnd > end) return start;
    this.#held = headerEnd - start;
    this.#begin(bytes, start);
    return headerEnd;
  }

  #readHeader(bytes: Uint8Array, start: number, end: number): number {
    if (this.#header.length === 0) this.#header = new Uint8Array(MAX_HEADER_BYTES);
    const header = this.#header;
    let at = start;
    while (at < end) {
      const wanted = this.#held < FIXED_HEADER_BYTES ? FIXED_HEADER_BYTES : FIXED_HEADER_BYTES + header[8]!;
      if (this.#held === wanted) break;
      header[this.#held++] = bytes[at++]!;
    }
    if (this.#held >= FIXED_HEADER_BYTES && this.#held === FIXED_HEADER_BYTES + header[8]!)
      this.#begin(header, 0);
    return at;
  }

  #begin(header: Uint8Array, at: number): void {
    const lengthSaid = (header[at + 4]! << 8) | header[at + 5]!;
    const rest = lengthSaid === 0 ? Number.POSITIVE_INFINITY : LENGTH_FIELD_END + lengthSaid - this.#held;
    const flags = header[at + 7]! >> 6;
    const timeBytes = flags === 3 ? 10 : flags === 2 ? 5 : 0;
    const isPes =
      header[at] === 0 && header[at + 1] === 0 && header[at + 2] === 1 && header[at + 6]! >> 6 === 2;
    if (!isPes || rest < 0 || header[at + 8]! < timeBytes || flags === 1) {
      this.#state = IDLE;
      this.#malformed();
      return;
    }
    this.#state = PAYLOAD;
    this.#rest = rest;
    if (flags === 0) this.#beginUntimed();
    else this.#beginTimed(readTimestamp(header, at + 9), readTimestamp(header, at + (flags === 3 ? 14 : 9)));
    if (rest === 0) this.#endPacket();
  }

  #beginTimed(rawPts: number, rawDts: number): void {
    const step = ticksBetween(this.#lastRaw, rawDts);
    if (step > MAX_PTS_GAP_TICKS || step < -MAX_PTS_GAP_TICKS) this.#violation('pts-gap', this.track.id);
    else if (step > 0) this.#intervalTicks = step;
    this.#lastRaw = rawDts;
    const dts = this.#unroller.place(rawDts);
    this.#lastDts = dts;
    const pts = dts + ticksBetween(rawDts, rawPts);
    if (this.#frames) this.#frames.begin(pts);
    else this.#unit.begin(pts, dts, this.#marked, Number.POSITIVE_INFINITY);
  }

  /** 2.7.4: not every packet needs a time. A picture without one follows at the pace of those before. */
  #beginUntimed(): void {
    if (this.#frames) {
      this.#frames.begin(Number.NaN);
      return;
    }
    if (Number.isNaN(this.#lastDts)) return;
    this.#lastDts += this.#intervalTicks;
    this.#lastRaw = this.#lastDts % TICKS_WRAP;
    this.#unit.begin(this.#lastDts, this.#lastDts, this.#marked, Number.POSITIVE_INFINITY);
  }

  #malformed(): void {
    this.#violation('malformed', this.track.id);
  }
}

const EMPTY = new Uint8Array(0);
