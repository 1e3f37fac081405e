import type { AudioCodec } from '../media.ts';
import { AAC_SAMPLE_RATES } from '../mpegts/audio-frame.ts';

/** What an elementary stream descriptor says (ISO/IEC 14496-1, 7.2.6.5). */
export interface StreamDescriptor {
  readonly codec: Extract<AudioCodec, 'aac' | 'mp3'> | null;
  /** AudioSpecificConfig, a view; null if there is none. */
  readonly config: Uint8Array | null;
  /** Hz by the AudioSpecificConfig; 0 if it does not say. */
  readonly sampleRate: number;
}

const ES_DESCRIPTOR = 3;
const DECODER_CONFIG = 4;
const DECODER_SPECIFIC_INFO = 5;

/** objectTypeIndication (table 5). */
const CODECS: Readonly<Record<number, 'aac' | 'mp3'>> = {
  64: 'aac',
  102: 'aac',
  103: 'aac',
  104: 'aac',
  105: 'mp3',
  107: 'mp3',
};

/** The content of an `esds` box after version and flags. What is cut short counts as not said. */
export function readStreamDescriptor(bytes: Uint8Array, start: number, end: number): StreamDescriptor {
  let codec: StreamDescriptor['codec'] = null;
  let at = start;
  while (at + 2 <= end) {
    const tag = bytes[at++]!;
    let length = 0;
    for (let i = 0; i < 4 && at < end; i++) {
      const byte = bytes[at++]!;
      length = (length << 7) | (byte & 0x7f);
      if (byte < 0x80) break;
    }
    if (tag === ES_DESCRIPTOR && at + 3 <= end) {
      const flags = bytes[at + 2]!;
      at += 3 + (flags & 0x80 ? 2 : 0);
      if (flags & 0x40) at += 1 + (bytes[at] ?? 0);
      if (flags & 0x20) at += 2;
    } else if (tag === DECODER_CONFIG && at + 13 <= end) {
      codec = CODECS[bytes[at]!] ?? null;
      at += 13;
    } else if (tag === DECODER_SPECIFIC_INFO) {
      const config = bytes.subarray(at, Math.min(at + length, end));
      return { codec, config, sampleRate: sampleRateOf(config) };
    } else at += length;
  }
  return { codec, config: null, sampleRate: 0 };
}

/** AudioSpecificConfig, ISO/IEC 14496-3, 1.6.2.1: audioObjectType 5 (+6), samplingFrequencyIndex 4 (+24). */
function sampleRateOf(config: Uint8Array): number {
  let bitAt = 0;
  const bits = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++, bitAt++) {
      value = value * 2 + (((config[bitAt >> 3] ?? 0) >> (7 - (bitAt & 7))) & 1);
    }
    return value;
  };
  if (bits(5) === 31) bits(6);
  const index = bits(4);
  const sampleRate = index === 15 ? bits(24) : (AAC_SAMPLE_RATES[index] ?? 0);
  return bitAt > config.length * 8 ? 0 : sampleRate;
}
