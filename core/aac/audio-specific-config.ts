import { ProtocolError } from '../media.ts';

/** What an AudioSpecificConfig says (ISO/IEC 14496-3, 1.6.2.1). */
export interface AudioSpecificConfig {
  /** audioObjectType of what is coded: 2 is AAC-LC, also where SBR is signalled in front of it. */
  readonly objectType: number;
  /** samplingFrequencyIndex of the core coder; 15 where the rate is written out. */
  readonly rateIndex: number;
  /** Hz, of the core coder. */
  readonly sampleRate: number;
  /** channelConfiguration; 0: the stream itself says. */
  readonly channels: number;
}

/** samplingFrequencyIndex, table 1.18. */
const SAMPLE_RATES: readonly number[] = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];
const SBR = 5;
const PARAMETRIC_STEREO = 29;
const ESCAPE = 31;
const RATE_WRITTEN_OUT = 15;

/** Throws `AAC_CONFIG` if it is cut short, or its rate is a reserved one. */
export function readAudioSpecificConfig(bytes: Uint8Array): AudioSpecificConfig {
  let bitAt = 0;
  const bits = (count: number): number => {
    if (bitAt + count > bytes.length * 8) {
      throw new ProtocolError(
        'AAC_CONFIG',
        `expected an AudioSpecificConfig, got ${bytes.length} bytes that end too early`,
      );
    }
    let value = 0;
    for (let i = 0; i < count; i++, bitAt++) {
      value = value * 2 + ((bytes[bitAt >> 3]! >> (7 - (bitAt & 7))) & 1);
    }
    return value;
  };
  const readObjectType = (): number => {
    const type = bits(5);
    return type === ESCAPE ? 32 + bits(6) : type;
  };
  let objectType = readObjectType();
  const rateIndex = bits(4);
  const sampleRate = rateIndex === RATE_WRITTEN_OUT ? bits(24) : SAMPLE_RATES[rateIndex];
  if (!sampleRate) {
    throw new ProtocolError('AAC_CONFIG', `expected a sampling frequency index of 0 to 12, got ${rateIndex}`);
  }
  const channels = bits(4);
  if (objectType === SBR || objectType === PARAMETRIC_STEREO) {
    if (bits(4) === RATE_WRITTEN_OUT) bits(24);
    objectType = readObjectType();
  }
  return { objectType, rateIndex, sampleRate, channels };
}
