import { describe, expect, it } from 'vitest';
import { opusPacketSamples } from './packet.ts';

describe('opusPacketSamples', () => {
  it.each<[readonly number[], number, string]>([
    // RFC 6716, table 2: configuration, code, count
    [[(0 << 3) | 0], 480, 'SILK 10 ms, one frame'],
    [[(3 << 3) | 1], 5760, 'SILK 60 ms, two'],
    [[(13 << 3) | 0], 960, 'hybrid 20 ms'],
    [[(16 << 3) | 2], 240, 'CELT 2.5 ms, two'],
    [[(31 << 3) | 0], 960, 'CELT 20 ms'],
    [[(31 << 3) | 3, 0x80 | 6], 5760, 'CELT 20 ms, six'],
    [[(31 << 3) | 3], 0, 'cut short'],
    [[], 0, 'empty'],
  ])('%j is %i samples: %s', (bytes, samples) => {
    expect(opusPacketSamples(Uint8Array.from(bytes))).toBe(samples);
  });
});
