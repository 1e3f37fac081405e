import type { MediaTrack } from '../access-unit.ts';
import {
  ADTS_HEAD_BYTES,
  type AudioFrameHead,
  MPEG_AUDIO_HEAD_BYTES,
  readAdtsHead,
  readMpegAudioHead,
} from './audio-frame.ts';
import type { UnitWriter } from './unit-writer.ts';

const TICKS_PER_SECOND = 90_000;

/**
 * Cuts the audio of PES packets into its frames: a packet usually has several, and a frame may go on in the next one.
 * The time of a packet is that of the first frame that begins in it (ISO/IEC 13818-1, 2.4.3.7); the next follow by
 * their samples.
 */
export class AudioFrames {
  readonly #track: MediaTrack;
  readonly #unit: UnitWriter;
  readonly #malformed: () => void;
  readonly #readHead: (bytes: Uint8Array, at: number, into: AudioFrameHead) => boolean;
  readonly #header: Uint8Array;
  #held = 0;
  /** Bytes of the frame that are still to come. */
  #rest = 0;
  #packetTicks = Number.NaN;
  #nextTicks = Number.NaN;
  #lost = false;

  constructor(track: MediaTrack, unit: UnitWriter, malformed: () => void) {
    this.#track = track;
    this.#unit = unit;
    this.#malformed = malformed;
    const isAac = track.codec === 'aac';
    this.#readHead = isAac ? readAdtsHead : readMpegAudioHead;
    this.#header = new Uint8Array(isAac ? ADTS_HEAD_BYTES : MPEG_AUDIO_HEAD_BYTES);
  }

  /** A PES packet begins; `NaN` if it has no time. */
  begin(ptsTicks: number): void {
    this.#packetTicks = ptsTicks;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#rest > 0) {
        const taken = Math.min(this.#rest, end - at);
        this.#rest -= taken;
        if (this.#unit.isOpen) this.#unit.add(bytes, at, at + taken);
        at += taken;
        if (this.#rest === 0) this.#unit.finish();
      } else if (this.#held === 0 && end - at >= this.#header.length) {
        if (this.#beginFrame(bytes, at)) this.#rest = head.frameBytes;
        else at++;
      } else {
        this.#header[this.#held++] = bytes[at++]!;
        if (this.#held === this.#header.length) this.#takeHeader();
      }
    }
  }

  /** Packets were lost or the segment ends: a frame that is not whole ends here. */
  cut(): void {
    if (this.#unit.isOpen || this.#held > 0) this.#malformed();
    this.#unit.finish();
    this.#held = 0;
    this.#rest = 0;
  }

  /** The header came in pieces, and is in our own bytes: it is the frame's beginning, or its first byte is no good. */
  #takeHeader(): void {
    if (this.#beginFrame(this.#header, 0)) {
      this.#held = 0;
      this.#rest = head.frameBytes - this.#header.length;
      if (this.#unit.isOpen) this.#unit.add(this.#header, 0, this.#header.length);
      if (this.#rest === 0) this.#unit.finish();
    } else {
      this.#header.copyWithin(0, 1);
      this.#held--;
    }
  }

  #beginFrame(bytes: Uint8Array, at: number): boolean {
    if (!this.#readHead(bytes, at, head) || head.frameBytes < this.#header.length) {
      if (!this.#lost) this.#malformed();
      this.#lost = true;
      return false;
    }
    this.#lost = false;
    this.#track.sampleRate = head.sampleRate;
    const ticks = Number.isNaN(this.#packetTicks) ? this.#nextTicks : this.#packetTicks;
    this.#packetTicks = Number.NaN;
    this.#nextTicks = ticks + (head.samples * TICKS_PER_SECOND) / head.sampleRate;
    // Sound before the first time of all cannot be placed.
    if (!Number.isNaN(ticks)) this.#unit.begin(ticks, ticks, true, head.frameBytes);
    return true;
  }
}

const head: AudioFrameHead = { frameBytes: 0, samples: 0, sampleRate: 0 };
