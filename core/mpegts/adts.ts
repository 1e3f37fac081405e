import { readAudioSpecificConfig } from '../aac/audio-specific-config.ts';
import { ProtocolError } from '../media.ts';
import { ADTS_HEAD_BYTES } from './audio-frame.ts';

/** aac_frame_length has 13 bits, the header included. */
const MAX_FRAME_BYTES = 0x1fff;
const RATE_WRITTEN_OUT = 15;

/** Writes the ADTS header (ISO/IEC 14496-3, 1.A.2.2, without check code) of the frames of one AudioSpecificConfig. */
export class AdtsWriter {
  readonly #header: Uint8Array;
  readonly sampleRate: number;

  /** Throws `AAC_CONFIG` if ADTS cannot say it: object types above 4, rates that are written out. */
  constructor(config: Uint8Array) {
    const { objectType, rateIndex, sampleRate, channels } = readAudioSpecificConfig(config);
    if (objectType < 1 || objectType > 4 || rateIndex === RATE_WRITTEN_OUT || channels > 7) {
      throw new ProtocolError(
        'AAC_CONFIG',
        `expected an AAC stream that ADTS can carry, got object type ${objectType}, ${sampleRate} Hz, channel configuration ${channels}`,
      );
    }
    this.sampleRate = sampleRate;
    // syncword, MPEG-4, layer 0, no check code; profile, rate, channels; buffer fullness "variable rate"; one block
    this.#header = Uint8Array.of(
      0xff,
      0xf1,
      ((objectType - 1) << 6) | (rateIndex << 2) | (channels >> 2),
      (channels & 3) << 6,
      0,
      0x1f,
      0xfc,
    );
  }

  /** The header of a frame of so many bytes; a view that the next call writes over. Throws `AAC_FRAME` above 8,184. */
  header(rawBytes: number): Uint8Array {
    const frameBytes = rawBytes + ADTS_HEAD_BYTES;
    if (frameBytes > MAX_FRAME_BYTES) {
      throw new ProtocolError(
        'AAC_FRAME',
        `expected a frame of at most ${MAX_FRAME_BYTES - ADTS_HEAD_BYTES} bytes, got ${rawBytes}`,
      );
    }
    const header = this.#header;
    header[3] = (header[3]! & 0xfc) | (frameBytes >> 11);
    header[4] = frameBytes >> 3;
    header[5] = ((frameBytes & 7) << 5) | 0x1f;
    return header;
  }
}
