import { describe, expect, it } from 'vitest';
import { bits, bytesOf } from '../../tests/kit/bits.ts';
import { errorCode } from '../../tests/kit/error-code.ts';
import { readAudioSpecificConfig } from './audio-specific-config.ts';

describe('readAudioSpecificConfig', () => {
  it('reads AAC-LC', () => {
    expect(readAudioSpecificConfig(Uint8Array.of(0x12, 0x10))).toEqual({
      objectType: 2,
      rateIndex: 4,
      sampleRate: 44_100,
      channels: 2,
    });
  });

  it('reads the core of HE-AAC that is signalled in front', () => {
    const config = bits(5, 5) + bits(6, 4) + bits(1, 4) + bits(3, 4) + bits(2, 5);
    expect(readAudioSpecificConfig(bytesOf(config))).toMatchObject({ objectType: 2, sampleRate: 24_000 });
  });

  it('reads a rate that is written out, and an escaped object type', () => {
    const config = bits(31, 5) + bits(10, 6) + bits(15, 4) + bits(50_000, 24) + bits(2, 4);
    expect(readAudioSpecificConfig(bytesOf(config))).toMatchObject({ objectType: 42, sampleRate: 50_000 });
  });

  it('refuses what is cut short or reserved', () => {
    expect(errorCode(() => readAudioSpecificConfig(Uint8Array.of(0x12)))).toBe('AAC_CONFIG');
    expect(errorCode(() => readAudioSpecificConfig(bytesOf(bits(2, 5) + bits(13, 4) + bits(2, 4))))).toBe(
      'AAC_CONFIG',
    );
  });
});
