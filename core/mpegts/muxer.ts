import { GrowingBytes } from '../growing-bytes.ts';
import { ProtocolError } from '../media.ts';
import type { MediaSample, SampleTrack } from '../media-sample.ts';
import { AdtsWriter } from './adts.ts';
import { AnnexBWriter } from './annex-b.ts';
import { PacketWriter, PLAIN_START } from './packet-writer.ts';
import type { ProgramStream } from './program.ts';
import { PMT_PID, programAssociation, programMap } from './table-writer.ts';
import { ticksOf, writeTimestamp } from './ticks.ts';

/**
 * Writes an MPEG transport stream (ISO/IEC 13818-1) of at most one track of pictures and one of sound, piece by piece: the pieces
 * of one muxer follow each other without a break, so that segments and parts can be cut anywhere between two samples.
 */

/**
 * Added to all times, so that the clock can run ahead of the first picture and B-frames at the beginning stay above zero. A clock near
 * its wrap would be legal, and is avoided: few players have met one.
 */
export const TS_OFFSET_MS = 10_000;
/** How much earlier than its decode time a unit's bytes come in. */
const CLOCK_LEAD_MS = 100;
/** TR 101 290 wants the clock every 100 ms, and the tables every 500 ms. */
const MAX_CLOCK_STEP_MS = 80;
const MAX_TABLE_STEP_MS = 400;
/** A step above is a gap in the media, not to be filled with packets. */
const MAX_FILLED_MS = 2_000;
/** So much sound goes into one PES packet: three frames of AAC at 48 kHz. */
const SOUND_PER_PACKET_MS = 60;
const MAX_SOUND_BYTES = 16 * 1024;

const VIDEO_PID = 0x100;
const AUDIO_PID = 0x101;
const VIDEO_STREAM_ID = 0xe0;
const AUDIO_STREAM_ID = 0xc0;
const PAT_PID = 0;

const CODECS: ReadonlySet<string> = new Set<ProgramStream['codec']>(['h264', 'h265', 'aac', 'mp3']);

/** VP9, AV1, FLAC and, but for a private scheme of few players, Opus have no place in a transport stream. */
export function isTsCodec(codec: SampleTrack['codec']): codec is ProgramStream['codec'] {
  return CODECS.has(codec);
}

export class TsMuxer {
  readonly #video: AnnexBWriter | null = null;
  readonly #adts: AdtsWriter | null = null;
  readonly #pat = new PacketWriter(PAT_PID);
  readonly #pmt = new PacketWriter(PMT_PID);
  readonly #videoPackets = new PacketWriter(VIDEO_PID);
  readonly #audioPackets = new PacketWriter(AUDIO_PID);
  readonly #association = programAssociation();
  readonly #map: Uint8Array;
  readonly #out = new GrowingBytes(64 * 1024);
  readonly #pes = new GrowingBytes(16 * 1024);
  readonly #sound = new GrowingBytes(4096);
  #soundFromMs = 0;
  #clockMs = Number.NaN;
  #tablesMs = Number.NaN;

  /** Throws `TS_CODEC` for what a transport stream cannot carry, and what readers of the configuration throw. */
  constructor(tracks: readonly SampleTrack[]) {
    const streams: ProgramStream[] = [];
    for (const track of tracks) {
      const { codec, kind, config } = track;
      if (!isTsCodec(codec)) {
        throw new ProtocolError(
          'TS_CODEC',
          `expected H.264, H.265, AAC or MP3 for a transport stream, got ${codec}`,
        );
      }
      streams.push({ pid: kind === 'video' ? VIDEO_PID : AUDIO_PID, codec });
      if (kind === 'video') this.#video = new AnnexBWriter(track);
      else if (codec === 'aac') this.#adts = new AdtsWriter(config);
    }
    this.#map = programMap(this.#video ? VIDEO_PID : AUDIO_PID, streams);
  }

  /** The packets of these samples, in decode order and interleaved as they came. They begin with the tables if `tables` is set. */
  mux(samples: readonly MediaSample[], tables: boolean): Uint8Array {
    if (samples[0] !== undefined && (tables || Number.isNaN(this.#tablesMs))) {
      this.#addTables(samples[0].dtsMs);
    }
    for (const sample of samples) {
      if (sample.kind === 'video') this.#addPicture(sample);
      else this.#addSound(sample);
    }
    this.#endSound();
    return this.#out.take();
  }

  /** Tables and clock, where it is time for them. */
  #advance(dtsMs: number): void {
    const packets = this.#video ? this.#videoPackets : this.#audioPackets;
    if (dtsMs - this.#clockMs <= MAX_FILLED_MS) {
      for (let ms = this.#clockMs + MAX_CLOCK_STEP_MS; ms < dtsMs; ms += MAX_CLOCK_STEP_MS) {
        this.#addTablesIfDue(ms);
        packets.writeClock(clockOf(ms), this.#out);
      }
    }
    this.#addTablesIfDue(dtsMs);
  }

  #addTablesIfDue(dtsMs: number): void {
    if (dtsMs - this.#tablesMs >= MAX_TABLE_STEP_MS) this.#addTables(dtsMs);
  }

  #addTables(dtsMs: number): void {
    this.#pat.writeSection(this.#association, this.#out);
    this.#pmt.writeSection(this.#map, this.#out);
    this.#tablesMs = dtsMs;
  }

  #addPicture(sample: MediaSample): void {
    if (this.#video === null) return;
    const { dtsMs, ptsMs, key } = sample;
    beginPes(this.#pes, VIDEO_STREAM_ID, ptsMs, dtsMs);
    this.#video.write(sample, this.#pes);
    // PES_packet_length stays 0, as pictures may (2.4.3.7): many are longer than it can say.
    this.#advance(dtsMs);
    this.#clockMs = dtsMs;
    const start = { pcrTicks: clockOf(dtsMs), randomAccess: key };
    this.#videoPackets.write(this.#pes.written, start, this.#out);
  }

  #addSound({ dtsMs, data }: MediaSample): void {
    const isFull =
      dtsMs - this.#soundFromMs >= SOUND_PER_PACKET_MS ||
      dtsMs < this.#soundFromMs ||
      this.#sound.length + data.length > MAX_SOUND_BYTES;
    if (this.#sound.length > 0 && isFull) this.#endSound();
    if (this.#sound.length === 0) this.#soundFromMs = dtsMs;
    if (this.#adts) this.#sound.add(this.#adts.header(data.length));
    this.#sound.add(data);
  }

  #endSound(): void {
    if (this.#sound.length === 0) return;
    const fromMs = this.#soundFromMs;
    beginPes(this.#pes, AUDIO_STREAM_ID, fromMs, fromMs);
    this.#pes.add(this.#sound.written);
    this.#sound.clear();
    const bytes = this.#pes.written;
    const length = bytes.length - 6;
    bytes[4] = length >> 8;
    bytes[5] = length & 0xff;
    if (this.#video) this.#audioPackets.write(bytes, PLAIN_START, this.#out);
    else {
      this.#advance(fromMs);
      this.#clockMs = fromMs;
      this.#audioPackets.write(bytes, { pcrTicks: clockOf(fromMs), randomAccess: true }, this.#out);
    }
  }
}

function clockOf(dtsMs: number): number {
  return ticksOf(dtsMs + TS_OFFSET_MS - CLOCK_LEAD_MS);
}

/** 2.4.3.6 PES packet: start code, length, flags, then PTS and, where it differs, DTS. */
function beginPes(into: GrowingBytes, streamId: number, ptsMs: number, dtsMs: number): void {
  into.clear();
  const hasDts = ptsMs !== dtsMs;
  const timeBytes = hasDts ? 10 : 5;
  const at = into.grow(9 + timeBytes);
  const bytes = into.written;
  // data_alignment_indicator: each packet begins with an access unit
  bytes.set([0, 0, 1, streamId, 0, 0, 0x84, hasDts ? 0xc0 : 0x80, timeBytes], at);
  writeTimestamp(bytes, at + 9, hasDts ? 3 : 2, ticksOf(ptsMs + TS_OFFSET_MS));
  if (hasDts) writeTimestamp(bytes, at + 14, 1, ticksOf(dtsMs + TS_OFFSET_MS));
}
