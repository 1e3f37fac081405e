/** What the header of an audio frame says. Reused between calls. */
export interface AudioFrameHead {
  frameBytes: number;
  samples: number;
  sampleRate: number;
}

/** Bytes of a header that must be there to read it: ADTS without its check code, and MPEG audio. */
export const ADTS_HEAD_BYTES = 7;
export const MPEG_AUDIO_HEAD_BYTES = 4;

/** samplingFrequencyIndex, ISO/IEC 14496-3, table 1.18. */
export const AAC_SAMPLE_RATES: readonly number[] = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

/** ADTS (ISO/IEC 14496-3, 1.A.2.2). False: no such header there. */
export function readAdtsHead(bytes: Uint8Array, at: number, into: AudioFrameHead): boolean {
  // syncword 12 bits, ID, layer 00
  if (bytes[at] !== 0xff || (bytes[at + 1]! & 0xf6) !== 0xf0) return false;
  const sampleRate = AAC_SAMPLE_RATES[(bytes[at + 2]! >> 2) & 0x0f];
  const frameBytes = ((bytes[at + 3]! & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >> 5);
  if (sampleRate === undefined || frameBytes < ADTS_HEAD_BYTES) return false;
  into.frameBytes = frameBytes;
  into.sampleRate = sampleRate;
  into.samples = 1024 * (1 + (bytes[at + 6]! & 3));
  return true;
}

/** kbit/s by bitrate_index; 0 stands for "free" and "forbidden" (ISO/IEC 11172-3 and 13818-3, 2.4.2.3). */
const BIT_RATES: readonly (readonly number[])[] = [
  [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0],
  [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0],
  [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0],
  [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0],
];
const MPEG1_SAMPLE_RATES = [44_100, 48_000, 32_000] as const;

/** MPEG audio, layers I to III, versions 1, 2 and 2.5. False: no such header there, or of free bit rate. */
export function readMpegAudioHead(bytes: Uint8Array, at: number, into: AudioFrameHead): boolean {
  const second = bytes[at + 1]!;
  const third = bytes[at + 2]!;
  if (bytes[at] !== 0xff || (second & 0xe0) !== 0xe0) return false;
  const version = (second >> 3) & 3; // 3: MPEG-1, 2: MPEG-2, 0: 2.5, 1: reserved
  const layer = 4 - ((second >> 1) & 3);
  const fullRate = MPEG1_SAMPLE_RATES[(third >> 2) & 3];
  if (version === 1 || layer === 4 || fullRate === undefined) return false;
  const isMpeg1 = version === 3;
  const table = isMpeg1 ? layer - 1 : layer === 1 ? 3 : 4;
  const bitRate = BIT_RATES[table]![third >> 4]! * 1000;
  if (bitRate === 0) return false;
  const sampleRate = isMpeg1 ? fullRate : version === 2 ? fullRate / 2 : fullRate / 4;
  const padding = (third >> 1) & 1;
  const samples = layer === 1 ? 384 : layer === 3 && !isMpeg1 ? 576 : 1152;
  into.sampleRate = sampleRate;
  into.samples = samples;
  into.frameBytes =
    layer === 1
      ? (Math.floor((12 * bitRate) / sampleRate) + padding) * 4
      : Math.floor(((samples / 8) * bitRate) / sampleRate) + padding;
  return true;
}
