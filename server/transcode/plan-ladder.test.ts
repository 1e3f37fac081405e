import { describe, expect, it } from 'vitest';
import { readBitrate } from './bitrate.ts';
import { planLadder, usualBitrate } from './plan-ladder.ts';
import type { SourceFormat } from './source-format.ts';

const source: SourceFormat = { videoCodec: 'h264', width: 1280, height: 720, fps: 30, audioCodec: 'aac' };
const rungs = [{ height: 1080 }, { height: 720 }, { height: 360, bitrate: '800k', name: 'low' }];
const plan = (changes: Partial<SourceFormat> = {}, options = { rungs, audioOnly: true }) =>
  planLadder('live/room', { ...source, ...changes }, options);

describe('the ladder of a source', () => {
  it('is capped by its size', () => {
    expect(plan()).toEqual({
      video: [
        {
          name: '720p',
          stream: 'live/room_720p',
          width: 1280,
          height: 720,
          videoBitrate: 2_490_000,
          fps: null,
          audioBitrate: null,
        },
        {
          name: 'low',
          stream: 'live/room_low',
          width: 640,
          height: 360,
          videoBitrate: 800_000,
          fps: null,
          audioBitrate: null,
        },
      ],
      audio: { name: 'audio', stream: 'live/room_audio' },
      leftOut: [{ name: '1080p', reason: 'the source is 1280x720, and nothing is enlarged' }],
    });
  });

  it.each([
    [1080, 1920, [720, 1280], [360, 640]],
    // DCI 4K, a cinema's strip, and one line fewer than promised.
    [4096, 2160, [1366, 720], [682, 360]],
    [1921, 803, [1722, 720], [862, 360]],
    [1278, 719, [1278, 720], [640, 360]],
  ])('%i x %i keeps its shape, in even numbers, the shorter side as told', (width, height, ...sizes) => {
    const made = plan({ width, height }).video.filter(({ name }) => name !== '1080p');
    expect(made.map((rung) => [rung.width, rung.height])).toEqual(sizes);
  });

  it('lowers the rate of pictures, and never raises it', () => {
    const fpsOf = (fps: number | null, most: number) =>
      plan({ fps }, { rungs: [{ height: 90, fps: most } as never], audioOnly: false }).video[0]!.fps;
    expect([fpsOf(30, 15), fpsOf(15, 15), fpsOf(15, 30), fpsOf(null, 30)]).toEqual([15, null, null, 30]);
  });

  it('sound: its own where players take it, else encoded anew; none, no audio rung', () => {
    expect(plan({ audioCodec: 'opus' }).video[0]!.audioBitrate).toBe(128_000);
    expect(
      plan({}, { rungs: [{ height: 90, audioBitrate: '48k' } as never], audioOnly: false }).video[0]!
        .audioBitrate,
    ).toBe(48_000);
    const mute = plan({ audioCodec: null });
    expect([mute.audio, mute.leftOut.at(-1)]).toEqual([
      null,
      { name: 'audio', reason: 'the source has no sound' },
    ]);
    expect(plan({}, { rungs, audioOnly: false }).audio).toBe(null);
  });

  it('leaves out what cannot be named', () => {
    const { video, audio, leftOut } = planLadder(`live/${'x'.repeat(125)}`, source, {
      rungs,
      audioOnly: true,
    });
    expect([video, audio, leftOut.length]).toEqual([[], null, 4]);
  });
});

it('usual bitrates fall with the size, slower than the pixels do', () => {
  expect([usualBitrate(1280, 720, 30), usualBitrate(640, 360, 30), usualBitrate(16, 16, 1)]).toEqual([
    2_490_000, 880_000, 100_000,
  ]);
});

it.each([
  ['2500k', 2_500_000],
  ['2.5M', 2_500_000],
  ['3mbit', 3_000_000],
  ['64kbit', 64_000],
  ['64', Number.NaN],
  ['-1k', Number.NaN],
])('%s is %d bit/s', (text, rate) => {
  expect(readBitrate(text)).toBe(rate);
});
