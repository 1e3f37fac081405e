import { describe, expect, it } from 'vitest';
import type { FfmpegCapabilities } from '../../ffmpeg/capabilities.ts';
import {
  describeTestcard,
  encoderOptions,
  testcardParameters,
  videoBitsPerSecond,
} from './testcard-parameters.ts';

const ffmpeg = (release: [number, number] | null): FfmpegCapabilities => ({
  path: 'ffmpeg',
  version: '',
  release,
  encoders: new Set(),
  filters: new Set(),
  muxers: new Set(),
});

function option(options: readonly string[], name: string): string | undefined {
  return options[options.indexOf(name) + 1];
}

describe('test card parameters', () => {
  it('are filled in, and described', () => {
    const parameters = testcardParameters({ width: 1280, height: 720, bitsPerSecond: 2_000_000 });
    expect(parameters).toMatchObject({ fps: 25, gopMs: 2_000, bFrames: 0, profile: 'high' });
    expect(describeTestcard(parameters)).toBe('1280x720@25 2000 kbit/s');
  });

  it.each([
    [{ width: 641 }, 'its width is an even number from 64 to 4096, not 641'],
    [{ height: 8_000 }, 'its height is an even number from 64 to 4096, not 8000'],
    [{ fps: 0 }, 'its frame rate is 1 to 120, not 0'],
    [{ fps: Number.NaN }, 'its frame rate is 1 to 120, not NaN'],
    [{ gopMs: 20 }, 'its key-frame distance is one frame to 60 s, not 20 ms'],
    [{ bFrames: 1.5 }, 'it takes 0 to 4 B-frames, not 1.5'],
    [{ bFrames: 1, profile: 'baseline' as const }, 'the baseline profile has no B-frames'],
    [{ bitsPerSecond: 100_000 }, '100000 bit/s leave too little for the picture; take at least 128k'],
  ])('%o are refused with a sentence', (asked, why) => {
    expect(() => testcardParameters(asked)).toThrow(`the test card cannot be made: ${why}`);
  });

  it('leave the picture what sound and stamps do not need', () => {
    expect(videoBitsPerSecond(testcardParameters({ bitsPerSecond: 640_000 }))).toBe(
      640_000 - 64_000 - 25 * 46 * 8,
    );
  });

  it('become options: a GOP in frames, key frames nowhere else', () => {
    const options = encoderOptions(testcardParameters({ fps: 30, gopMs: 1_500 }), ffmpeg([5, 1]));
    expect(['-g', '-keyint_min', '-sc_threshold', '-bf'].map((name) => option(options, name))).toEqual([
      '45',
      '45',
      '0',
      '0',
    ]);
  });

  it.each([
    [[4, 4], '-vsync'],
    [[5, 0], '-vsync'],
    [[5, 1], '-fps_mode'],
    [[8, 0], '-fps_mode'],
    [null, '-fps_mode'],
  ] as const)('keep the frame rate as it is in the words of ffmpeg %o', (release, name) => {
    const options = encoderOptions(testcardParameters({}), ffmpeg(release && [release[0], release[1]]));
    expect(option(options, name)).toBe('passthrough');
  });
});
