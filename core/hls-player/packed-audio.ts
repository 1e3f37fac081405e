import type { AccessUnitSink, MediaTrack } from '../access-unit.ts';
import { ProtocolError } from '../media.ts';
import { AudioFrames } from '../mpegts/audio-frames.ts';
import { UnitWriter } from '../mpegts/unit-writer.ts';

/** RFC 8216bis, 3.1.4: the PRIV frame that says when the first frame is played, in ticks of 90 kHz in 8 bytes. */
const TIMESTAMP_OWNER = 'com.apple.streaming.transportStreamTimestamp\0';
const ID3_HEAD_BYTES = 10;
/** Covers and the like may stand beside the time; larger ones than this are not looked through. */
const MAX_ID3_BYTES = 64 * 1024;
const MAX_FRAME_BYTES = 1024 * 1024;

/** Reads packed audio (AAC in ADTS with an ID3 tag at the beginning of each segment), piece by piece. */
export class PackedAudioDemuxer {
  readonly #sink: AccessUnitSink;
  readonly #track: MediaTrack = {
    id: 0,
    kind: 'audio',
    codec: 'aac',
    nalLengthBytes: 0,
    sampleRate: 0,
    config: null,
  };
  readonly #frames: AudioFrames;
  #told = false;
  #malformed = false;
  /** The ID3 tag as far as it has come; null when it is over. */
  #id3: number[] | null = [];
  #units = 0;

  constructor(sink: AccessUnitSink, headBytes: number) {
    this.#sink = sink;
    const counted: AccessUnitSink = {
      tracks: () => {},
      head: (track, ptsMs, dtsMs, key, bytes, start, end) => {
        this.#units++;
        sink.head(track, ptsMs, dtsMs, key, bytes, start, end);
      },
      end: (track, unitBytes) => sink.end(track, unitBytes),
    };
    const unit = new UnitWriter(counted, this.#track, headBytes, MAX_FRAME_BYTES, null);
    this.#frames = new AudioFrames(this.#track, unit, () => {
      this.#malformed = true;
    });
  }

  begin(): void {
    if (!this.#told) this.#sink.tracks([this.#track]);
    this.#told = true;
    this.#id3 = [];
    this.#units = 0;
    this.#malformed = false;
  }

  /** Throws `HLS_ID3` for a tag that is too large. */
  push(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (this.#id3 !== null && at < end) {
      this.#id3.push(bytes[at++]!);
      this.#readId3(this.#id3);
    }
    if (at < end) this.#frames.add(bytes, at, end);
  }

  /** The segment ends. Throws `HLS_NO_AUDIO` if there was no frame in it. */
  flush(): void {
    this.#frames.cut();
    if (this.#units > 0) return;
    throw new ProtocolError(
      'HLS_NO_AUDIO',
      `expected packed AAC, got a segment without a frame of it${this.#malformed ? '' : ' that could be placed in time'}`,
    );
  }

  #readId3(id3: number[]): void {
    if (id3.length === 1 && id3[0] !== 0x49) {
      // No tag: the first frame already.
      this.#id3 = null;
      this.#frames.add(Uint8Array.from(id3), 0, 1);
      return;
    }
    if (id3.length < ID3_HEAD_BYTES) return;
    const wanted = ID3_HEAD_BYTES + sevenBit(id3, 6);
    if (wanted > MAX_ID3_BYTES) {
      throw new ProtocolError(
        'HLS_ID3',
        `expected an ID3 tag of at most ${MAX_ID3_BYTES} bytes, got ${wanted}`,
      );
    }
    if (id3.length < wanted) return;
    this.#id3 = null;
    const text = String.fromCharCode(...id3);
    const at = text.indexOf(TIMESTAMP_OWNER);
    const from = at + TIMESTAMP_OWNER.length;
    if (at < 0 || from + 8 > id3.length) return;
    let ticks = 0;
    for (let i = 0; i < 8; i++) ticks = ticks * 256 + id3[from + i]!;
    this.#frames.begin(ticks);
  }
}

/** ID3v2.4, 6.2: four bytes of seven bits. */
function sevenBit(bytes: readonly number[], at: number): number {
  return bytes.slice(at, at + 4).reduce((value, byte) => value * 128 + (byte & 0x7f), 0);
}
