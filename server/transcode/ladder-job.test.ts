import { describe, expect, it } from 'vitest';
import type { EncoderName } from './encoders.ts';
import { ladderJob, unreadable } from './ladder-job.ts';
import { planLadder } from './plan-ladder.ts';
import type { SourceFormat } from './source-format.ts';
import { defaultTranscodeOptions } from './transcode-options.ts';

const source: SourceFormat = { videoCodec: 'h264', width: 640, height: 360, fps: 30, audioCodec: 'aac' };
const rungs = [{ height: 360 }, { height: 180, fps: 15, audioBitrate: '48k' }];

function job(
  encoder: EncoderName = 'libx264',
  release: readonly [number, number] | null = [5, 1],
  from = source,
) {
  const options = { ...defaultTranscodeOptions, rungs, encoder };
  const plan = planLadder('live/x', from, options);
  const made = ladderJob({
    stream: 'live/x',
    source: from,
    plan,
    options,
    release,
    pushUrl: (path) => `rtmp://h/${path}`,
  })!;
  return {
    input: made.inputs[0]!.options!.join(' '),
    outputs: [
      `${made.outputOptions.join(' ')} ${made.output}`,
      ...made.moreOutputs!.map(({ options: words, target }) => `${words.join(' ')} ${target}`),
    ],
  };
}

const x264 =
  '-map 0:v:0 -c:v libx264 -preset veryfast -tune zerolatency -bf 0 -sc_threshold 0 -forced-idr 1 -udu_sei 1';
const flv = '-flvflags no_duration_filesize -flush_packets 1 -rw_timeout 10000000 -f flv';

describe('the one ffmpeg of a ladder', () => {
  it('decodes once, keeps the clock, and makes key frames where the source has them', () => {
    const { input, outputs } = job();
    expect(input).toBe(
      '-copyts -thread_type slice -fflags nobuffer -analyzeduration 1000000 -probesize 1000000 -f flv',
    );
    expect(outputs).toEqual([
      `${x264} -vf scale=640:360,format=yuv420p -b:v 880000 -maxrate 880000 -bufsize 880000 -g 600 ` +
        `-force_key_frames source -fps_mode passthrough -enc_time_base 1:1000 -map 0:a:0 -c:a copy ${flv} rtmp://h/live/x_360p`,
      `${x264} -vf scale=320:180,format=yuv420p -b:v 160000 -maxrate 160000 -bufsize 160000 -g 600 ` +
        `-force_key_frames source_no_drop -fps_mode vfr -r 15 -map 0:a:0 -c:a aac -b:a 48000 ${flv} rtmp://h/live/x_180p`,
      `-map 0:a:0 -c:a copy ${flv} rtmp://h/live/x_audio`,
    ]);
  });

  it.each([
    [[4, 4], '-vsync vfr', 'source_no_drop'],
    [[5, 0], '-vsync vfr', 'source_no_drop'],
    [[6, 1], '-fps_mode vfr', 'source '],
    [[8, 0], '-fps_mode vfr', 'source '],
    [null, '-fps_mode vfr', 'source '],
  ] as const)('speaks to ffmpeg %j in its own words', (release, mode, follow) => {
    expect(job('libx264', release).outputs[1]).toContain(`${follow}`);
    expect(job('libx264', release).outputs[1]).toContain(`-force_key_frames ${follow.trim()} ${mode} -r 15`);
  });

  it('brings the pictures to where a hardware encoder wants them', () => {
    const { input, outputs } = job('h264_vaapi');
    expect(input).toMatch(/^-vaapi_device \/dev\/dri\/renderD128 /);
    expect(outputs[0]).toContain('-c:v h264_vaapi -bf 0 -vf scale=640:360,format=nv12,hwupload ');
    expect(job('h264_nvenc').outputs[0]).toContain(
      '-forced-idr 1 -udu_sei 1 -vf scale=640:360,format=yuv420p',
    );
  });

  it('a mute source has mute rungs', () => {
    expect(
      job('libx264', [5, 1], { ...source, audioCodec: null }).outputs.map((words) => words.includes(' -an ')),
    ).toEqual([true, true]);
  });
});

describe('what ffmpeg cannot read from FLV', () => {
  const fault = (
    videoCodec: SourceFormat['videoCodec'],
    audioCodec: SourceFormat['audioCodec'],
    release: [number, number] | null,
  ) => unreadable({ ...source, videoCodec, audioCodec }, { release, version: release?.join('.') ?? 'N-1' });
  it('is said, with the version that can', () => {
    expect(fault('h265', 'aac', [5, 1])).toBe('ffmpeg 5.1 cannot read h265 from FLV: 6.1 or later is needed');
    expect(fault('h264', 'opus', [7, 1])).toBe(
      'ffmpeg 7.1 cannot read opus from FLV: 8.0 or later is needed',
    );
    expect([
      fault('h264', 'aac', [4, 4]),
      fault('h265', 'aac', [6, 1]),
      fault('vp9', 'opus', [8, 0]),
      fault('vp9', 'opus', null),
    ]).toEqual([null, null, null, null]);
  });
});
