import { describe, expect, it } from 'vitest';
import { aacConfig, aacFrame, avcConfig, avcPicture } from '../../tests/kit/scripted-media.ts';
import { TAG_SCRIPT } from '../media.ts';
import { TagSamples } from './tag-samples.ts';

describe('TagSamples', () => {
  it('tells configurations from samples', () => {
    const unwrap = new TagSamples();
    const config = unwrap.read(avcConfig())!;
    expect([config.sample, config.track.codec, config.track.config[0]]).toEqual([null, 'h264', 1]);
    expect(unwrap.read(aacConfig())!.track.config).toEqual(Uint8Array.of(0x12, 0x10));
    const picture = avcPicture({ timestampMs: 80, key: true, compositionMs: 40 });
    expect(unwrap.read(picture)!.sample).toEqual({
      kind: 'video',
      dtsMs: 80,
      ptsMs: 120,
      key: true,
      durationMs: 0,
      data: picture.body.subarray(5),
    });
    expect(unwrap.read(aacFrame(90, 20))!.sample).toMatchObject({ kind: 'audio', dtsMs: 90, key: true });
    expect(unwrap.read({ type: TAG_SCRIPT, timestampMs: 0, body: Uint8Array.of(2) })).toBeNull();
  });

  it('goes on where the clock of 32 bits wraps, with sound a little behind', () => {
    const unwrap = new TagSamples();
    const dts = [2 ** 32 - 20, 20, 2 ** 32 - 5, 60].map(
      (timestampMs) =>
        unwrap.read(avcPicture({ timestampMs: timestampMs % 2 ** 32 }))!.sample!.dtsMs - 2 ** 32,
    );
    expect(dts).toEqual([-20, 20, -5, 60]);
  });
});
