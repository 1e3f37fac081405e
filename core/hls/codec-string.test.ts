import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { realAvcConfig } from '../../tests/kit/live-media.ts';
import { samplesOfMp4 } from '../../tests/kit/mp4-samples.ts';
import { codecString } from './codec-string.ts';

const none = new Uint8Array(0);
const mp4 = (name: string) => samplesOfMp4(readFileSync(new URL(`../mp4/fixtures/${name}`, import.meta.url)));

describe('codecString', () => {
  it('names each codec as RFC 6381 and its followers do', () => {
    // x264 Constrained Baseline at level 1.3; what the fixture's own bytes say: 42 c0 0d
    const avcC = realAvcConfig().body.subarray(5);
    expect(codecString({ kind: 'video', codec: 'h264', config: avcC })).toBe('avc1.42c00d');
    // Main, compatible with Main and Main 10, level 1: the usual one of x265 for small pictures.
    expect(codecString(mp4('h265.mp4').tracks[0]!)).toBe('hvc1.1.6.L30.90');
    expect(codecString({ kind: 'audio', codec: 'aac', config: Uint8Array.of(0x12, 0x10) })).toBe('mp4a.40.2');
    expect(codecString({ kind: 'audio', codec: 'mp3', config: none })).toBe('mp4a.40.34');
    expect(codecString({ kind: 'audio', codec: 'opus', config: none })).toBe('opus');
    const vp9 = Uint8Array.of(0, 10, 0x82, 1, 1, 1, 0, 0);
    expect(codecString({ kind: 'video', codec: 'vp9', config: vp9 })).toBe('vp09.00.10.08');
    expect(codecString({ kind: 'audio', codec: 'flac', config: none })).toBeNull();
  });

  it('writes the constraints of H.265 up to the last that is set, and the example of ISO/IEC 14496-15, E.3', () => {
    // hvc1.A1.80.L93.B0: profile space 1, profile 1, compatibility 80 (bits reversed), level 3.1, progressive and non-packed
    const hvcC = Uint8Array.of(1, 0x41, 0x01, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93);
    expect(codecString({ kind: 'video', codec: 'h265', config: hvcC })).toBe('hvc1.A1.80.L93.B0');
  });
});
