import { type AccessUnitSink, DEFAULT_MAX_UNIT_BYTES } from '../access-unit.ts';
import { ProtocolError } from '../media.ts';
import { ClockWatch, DEFAULT_MAX_TABLE_GAP_MS } from './clock-watch.ts';
import { ElementaryStream, type UnitLimits } from './elementary-stream.ts';
import { type Program, readProgramAssociation, readProgramMap } from './program.ts';
import { SectionReader } from './sections.ts';
import { readClockReference, Unroller } from './ticks.ts';
import type { TsViolation } from './violation.ts';

/**
 * Reads an MPEG transport stream (ISO/IEC 13818-1) piece by piece, an endless one or HLS segments one after the other.
 *
 *     packets of 188 ─┬─ PID 0    PAT ──► PID of the PMT
 *                     ├─ PMT      ──► PIDs of pictures and sound, PID of the clock
 *                     ├─ PES      ──► ElementaryStream ──► access units ──► sink
 *                     └─ others   skipped
 *
 * Of each unit only the head is put together; the rest is counted where it lies.
 */
export interface TsDemuxerOptions {
  /** How much of each access unit the sink wants. Default: all of it. */
  readonly headBytes?: number;
  /** The same of each frame of sound. Default: `headBytes`. */
  readonly soundHeadBytes?: number;
  /**
   * The head of a picture may be shorter, if its first packet has the beginning of a slice: all that is told of it before (parameter
   * sets, SEI) is in there, and it need not be put together. Default: no.
   */
  readonly headEndsAtSlice?: boolean;
  /** A longer access unit is refused (`TS_UNIT_TOO_LARGE`). Default 8 MiB. */
  readonly maxUnitBytes?: number;
  /** Hears of every breach of TR 101 290; `pid` −1 where no PID is known. */
  readonly violation?: (reason: TsViolation, pid: number) => void;
  /**
   * `pat-gap` and `pmt-gap` above this; default 500, as TR 101 290 says. Infinite for HLS: its segments need the tables at their
   * beginning only (RFC 8216bis, 3.1.2), and ffmpeg's and others' have them nowhere else.
   */
  readonly maxTableGapMs?: number;
}

export const PACKET_BYTES = 188;
const SYNC_BYTE = 0x47;
/** So much without a packet, and it is no transport stream. Some packagers put an ID3 tag before the first packet. */
export const MAX_SYNC_SEARCH_BYTES = 64 * 1024;

const PAT_PID = 0;
const PAT_TABLE = 0;
const PMT_TABLE = 2;
const NO_PID = -1;
const NO_COUNTER = -1;

/** What is known of a PID that is listened to. */
interface Listener {
  counter: number;
  /** A packet may be sent twice, not more (2.4.3.3). */
  wasRepeated: boolean;
  readonly stream: ElementaryStream | null;
  readonly sections: SectionReader | null;
}

export class TsDemuxer {
  readonly #sink: AccessUnitSink;
  readonly #limits: UnitLimits;
  readonly #violation: (reason: TsViolation, pid: number) => void;
  readonly #listeners = new Map<number, Listener>();
  /** Packets of one PID come in rows. */
  #lastPid = NO_PID;
  #lastListener: Listener | undefined;
  readonly #unroller = new Unroller();
  readonly #watch: ClockWatch;

  /** What a push cut in two; one byte more than a packet while sync is searched. */
  readonly #scratch = new Uint8Array(PACKET_BYTES + 1);
  #held = 0;
  #inSync = true;
  /** A packet has been read since the last flush. */
  #hasPackets = false;
  #searchedBytes = 0;

  #pmtPid = NO_PID;
  #pcrPid = NO_PID;
  #program = '';
  /** The table as it last was: it comes with each segment, and hardly ever changes. */
  #pmt = EMPTY;

  constructor(sink: AccessUnitSink, options: TsDemuxerOptions = {}) {
    this.#sink = sink;
    const headBytes = options.headBytes ?? Number.POSITIVE_INFINITY;
    this.#limits = {
      headBytes,
      soundHeadBytes: options.soundHeadBytes ?? headBytes,
      headEndsAtSlice: options.headEndsAtSlice ?? false,
      maxUnitBytes: options.maxUnitBytes ?? DEFAULT_MAX_UNIT_BYTES,
    };
    this.#violation = options.violation ?? (() => {});
    this.#watch = new ClockWatch(
      (reason) => this.#violation(reason, NO_PID),
      options.maxTableGapMs ?? DEFAULT_MAX_TABLE_GAP_MS,
    );
    const broken = () => this.#violation('malformed', PAT_PID);
    const sections = new SectionReader(
      PAT_TABLE,
      (bytes, start, end) => this.#readPat(bytes, start, end),
      broken,
    );
    this.#listeners.set(PAT_PID, { counter: NO_COUNTER, wasRepeated: false, stream: null, sections });
  }

  /** Takes the next bytes of the stream, `bytes[start, end)`; they are not kept. Throws `TS_NO_SYNC` and `TS_UNIT_TOO_LARGE`. */
  push(bytes: Uint8Array, start = 0, end = bytes.length): void {
    let at = start;
    while (at < end) {
      if (this.#inSync && this.#held === 0 && end - at >= PACKET_BYTES && bytes[at] === SYNC_BYTE) {
        this.#packet(bytes, at);
        at += PACKET_BYTES;
      } else {
        at = this.#collect(bytes, at, end);
      }
    }
  }

  /**
   * The segment ends: what is under way is handed on. A video unit ends here and not before, because nothing else says
   * so. Throws `TS_NO_SYNC` if there was something, and not one packet in it.
   */
  flush(): void {
    const held = this.#held;
    this.#held = 0;
    if (!this.#inSync && held === PACKET_BYTES && this.#scratch[0] === SYNC_BYTE) {
      this.#packet(this.#scratch, 0);
    } else if (held > 0 || this.#searchedBytes > 0) {
      if (!this.#hasPackets) throw noSync(held + this.#searchedBytes);
      if (this.#inSync) this.#violation('sync', NO_PID);
    }
    this.#inSync = true;
    this.#searchedBytes = 0;
    this.#hasPackets = false;
    for (const { stream } of this.#listeners.values()) stream?.flush();
  }

  /** What comes next has other clocks and counters: EXT-X-DISCONTINUITY, or another rendition. Call it after `flush`. */
  discontinuity(): void {
    this.#unroller.reset();
    this.#watch.reset();
    for (const listener of this.#listeners.values()) {
      listener.counter = NO_COUNTER;
      listener.stream?.discontinuity();
    }
  }

  /** Gives the index of the first byte not taken. */
  #collect(bytes: Uint8Array, start: number, end: number): number {
    const scratch = this.#scratch;
    const wanted = this.#inSync ? PACKET_BYTES : PACKET_BYTES + 1;
    const taken = Math.min(wanted - this.#held, end - start);
    for (let i = 0; i < taken; i++) scratch[this.#held + i] = bytes[start + i]!;
    this.#held += taken;
    if (this.#held < wanted) return start + taken;
    if (this.#inSync) {
      if (scratch[0] === SYNC_BYTE) {
        this.#held = 0;
        this.#packet(scratch, 0);
      } else {
        this.#inSync = false;
        this.#violation('sync', NO_PID);
      }
    } else if (scratch[0] === SYNC_BYTE && scratch[PACKET_BYTES] === SYNC_BYTE) {
      this.#inSync = true;
      this.#searchedBytes = 0;
      this.#packet(scratch, 0);
      scratch[0] = SYNC_BYTE;
      this.#held = 1;
    } else {
      this.#searchOn();
    }
    return start + taken;
  }

  /** Drops what is before the next byte that could begin a packet. */
  #searchOn(): void {
    let next = 1;
    while (next < this.#held && this.#scratch[next] !== SYNC_BYTE) next++;
    this.#scratch.copyWithin(0, next, this.#held);
    this.#held -= next;
    this.#searchedBytes += next;
    if (this.#searchedBytes > MAX_SYNC_SEARCH_BYTES) throw noSync(this.#searchedBytes);
  }

  /** 2.4.3.2 Transport packet. */
  #packet(bytes: Uint8Array, at: number): void {
    this.#hasPackets = true;
    const second = bytes[at + 1]!;
    const pid = ((second & 0x1f) << 8) | bytes[at + 2]!;
    if (pid !== this.#lastPid) {
      this.#lastListener = this.#listeners.get(pid);
      this.#lastPid = pid;
    }
    const listener = this.#lastListener;
    if (listener === undefined && pid !== this.#pcrPid) return;
    const fourth = bytes[at + 3]!;
    // transport_error_indicator, transport_scrambling_control
    if (second & 0x80 || fourth & 0xc0) {
      this.#violation('malformed', pid);
      return;
    }
    const end = at + PACKET_BYTES;
    let payload = at + 4;
    let flags = 0;
    if (fourth & 0x20) {
      const length = bytes[payload]!;
      payload += 1 + length;
      if (payload > end) {
        this.#violation('malformed', pid);
        return;
      }
      if (length > 0) flags = bytes[at + 5]!;
      // PCR_flag
      if (flags & 0x10 && length >= 7 && pid === this.#pcrPid) {
        this.#watch.pcr(readClockReference(bytes, at + 6), (flags & 0x80) !== 0);
      }
    }
    if (listener === undefined || !(fourth & 0x10) || !this.#counts(listener, pid, fourth & 0x0f, flags))
      return;
    if (payload === end) return;
    const isUnitStart = (second & 0x40) !== 0;
    if (listener.stream) listener.stream.payload(isUnitStart, (flags & 0x40) !== 0, bytes, payload, end);
    else listener.sections?.payload(isUnitStart, bytes, payload, end);
  }

  /** 2.4.3.3 continuity_counter. False: a repetition, to be left out. */
  #counts(listener: Listener, pid: number, counter: number, flags: number): boolean {
    const last = listener.counter;
    listener.counter = counter;
    if (last === NO_COUNTER || flags & 0x80 || counter === ((last + 1) & 0x0f)) {
      listener.wasRepeated = false;
      return true;
    }
    if (counter === last && !listener.wasRepeated) {
      listener.wasRepeated = true;
      return false;
    }
    listener.wasRepeated = false;
    this.#violation('continuity', pid);
    listener.stream?.lostPackets();
    listener.sections?.drop();
    return true;
  }

  #readPat(bytes: Uint8Array, start: number, end: number): void {
    this.#watch.pat();
    const pid = readProgramAssociation(bytes, start, end);
    if (pid <= PAT_PID || pid === this.#pmtPid) return;
    this.#listeners.delete(this.#pmtPid);
    this.#lastPid = NO_PID;
    this.#pmtPid = pid;
    this.#pmt = EMPTY;
    const broken = () => this.#violation('malformed', pid);
    const section = (map: Uint8Array, from: number, to: number) => this.#readPmt(map, from, to);
    const sections = new SectionReader(PMT_TABLE, section, broken);
    this.#listeners.get(pid)?.stream?.flush();
    this.#listeners.set(pid, { counter: NO_COUNTER, wasRepeated: false, stream: null, sections });
  }

  #readPmt(bytes: Uint8Array, start: number, end: number): void {
    this.#watch.pmt();
    if (isSame(this.#pmt, bytes, start, end)) return;
    const program = readProgramMap(bytes, start, end);
    if (program === null) this.#violation('malformed', this.#pmtPid);
    else {
      this.#pmt = bytes.slice(start, end);
      this.#listenTo(program);
    }
  }

  #listenTo({ pcrPid, streams }: Program): void {
    this.#pcrPid = pcrPid;
    const description = streams.map(({ pid, codec }) => `${pid}${codec}`).join();
    if (description === this.#program) return;
    this.#program = description;
    this.#lastPid = NO_PID;
    for (const [pid, { stream }] of this.#listeners) {
      if (stream === null) continue;
      stream.flush();
      this.#listeners.delete(pid);
    }
    const violation = (reason: TsViolation, pid: number) => this.#violation(reason, pid);
    const tracks = [];
    for (const described of streams) {
      if (this.#listeners.has(described.pid)) continue; // the PID of a table: a lie
      const stream = new ElementaryStream(described, this.#sink, this.#limits, this.#unroller, violation);
      const listener = { counter: NO_COUNTER, wasRepeated: false, stream, sections: null };
      this.#listeners.set(described.pid, listener);
      tracks.push(stream.track);
    }
    this.#sink.tracks(tracks);
  }
}

const EMPTY = new Uint8Array(0);

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}

function noSync(bytes: number): ProtocolError {
  return new ProtocolError(
    'TS_NO_SYNC',
    `expected an MPEG transport stream, got ${bytes} bytes without its packets`,
  );
}
