import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../core/clock.ts';
import { readVideoHead, videoHead } from '../../core/flv/video-head.ts';
import { flvHeader, flvTag } from '../../core/flv/writer.ts';
import { findStamp } from '../../core/stamp/stamp.ts';
import { probeMedia } from '../../ffmpeg/probe-media.ts';
import { runFfmpeg, runFfprobe } from '../../tests/kit/run-tool.ts';
import { FileSource } from './file.ts';
import type { SourceTag } from './source.ts';
import { Ticker } from './ticker.ts';

const SPEED = 5;
/** Time runs faster, so that loops come soon; ffmpeg does not know. */
const fastClock: Clock = {
  nowMs: () => performance.now() * SPEED,
  wallMs: () => 1_794_000_000_000 + performance.now() * SPEED,
};

let folder: string;
const at = (name: string) => path.join(folder, name);
const words = (text: string) => text.split(' ');
const picture = '-f lavfi -i testsrc2=size=320x180:rate=25:duration=1.6';
const sound = '-f lavfi -i sine=duration=1.7';

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'sg-file-'));
  await Promise.all([
    runFfmpeg([
      ...words(`${picture} ${sound} -c:v libx264 -pix_fmt yuv420p -g 25 -bf 2 -c:a aac`),
      at('b-frames.mp4'),
    ]),
    runFfmpeg([
      ...words(`${picture} ${sound} -c:v libx264 -pix_fmt yuv420p -g 25 -c:a mp2`),
      at('stream.ts'),
    ]),
    runFfmpeg([...words(`${picture} ${sound} -c:v libvpx -c:a libopus`), at('vp8 opus.webm')]),
    runFfmpeg([...words(`${sound} -c:a aac`), at('sound.m4a')]),
    runFfmpeg([
      ...words('-f lavfi -i testsrc2=size=320x180:rate=25:duration=0.2 -c:v libx264'),
      at('short.mp4'),
    ]),
  ]);
  writeFileSync(at('notes.txt'), 'no media at all');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const running: FileSource[] = [];
afterEach(async () => {
  for (const source of running.splice(0)) await source.stop();
});

function play(file: string) {
  const source = new FileSource({ file, publisher: 9, clock: fastClock, ticker: new Ticker(fastClock) });
  running.push(source);
  const tags: SourceTag[] = [];
  const ended: (Error | null)[] = [];
  source.start({ tags: (due) => tags.push(...due), ended: (error) => ended.push(error) });
  const until = (timeMs: number) =>
    vi.waitFor(
      () => {
        if (ended.length === 0) expect(tags.at(-1)?.timestampMs ?? 0).toBeGreaterThanOrEqual(timeMs);
      },
      { timeout: 15_000, interval: 20 },
    );
  return { source, tags, ended, until };
}

const bodyOf = ({ pieces }: SourceTag): Buffer => Buffer.concat(pieces);
const framesOf = (tags: readonly SourceTag[]) =>
  tags.filter(({ kind }) => kind === 'key' || kind === 'inter');
const flvOf = (tags: readonly SourceTag[]): Buffer =>
  Buffer.concat([flvHeader(true, true), ...tags.map((tag) => flvTag({ ...tag, body: bodyOf(tag) }))]);

function stampOf(tag: SourceTag) {
  const head = videoHead();
  const body = bodyOf(tag);
  const stamp = { publisher: 0, frame: 0, captureUs: 0 };
  readVideoHead(body, 0, body.length, head);
  return findStamp(body, head.dataOffset, body.length, 4, 'h264', stamp) ? stamp : null;
}

const steps = (times: readonly number[]) => times.slice(1).map((timeMs, index) => timeMs - times[index]!);

interface Probed {
  readonly streams: readonly Record<string, unknown>[];
  readonly packets: readonly { codec_type: string; dts_time: string; pts_time: string }[];
}

describe.each([
  ['b-frames.mp4', { copied: true, video: 'h264', audio: 'aac' }],
  ['stream.ts', { copied: true, video: 'h264', audio: 'aac' }],
  ['vp8 opus.webm', { copied: false, video: 'h264', audio: 'aac' }],
])('a file played as live: %s', (name, expected) => {
  let played: ReturnType<typeof play>;
  beforeAll(async () => {
    played = play(at(name));
    await played.until(5_000);
    await played.source.stop();
  });

  it('loops without a gap or a step back in its timestamps', () => {
    const video = framesOf(played.tags).map(({ timestampMs }) => timestampMs);
    // Three passes of 1.6 s, and the beginning of a fourth.
    expect(video.length).toBeGreaterThan(3 * 40);
    expect(video[0]).toBe(0);
    expect(new Set(steps(video))).toEqual(new Set([40]));
    const audio = played.tags.filter(({ kind }) => kind === 'audio').map(({ timestampMs }) => timestampMs);
    // At the seam the sound is cut to the picture, so one step is other than the length of an audio frame.
    expect(Math.min(...steps(audio))).toBeGreaterThan(0);
    expect(Math.max(...steps(audio))).toBeLessThan(60);
  });

  it('is paced: a frame is sent when it is due, with that moment as its capture time', () => {
    const stamps = framesOf(played.tags).map(stampOf);
    expect(stamps.map((stamp) => stamp?.frame)).toEqual(stamps.map((_, index) => index));
    expect(new Set(stamps.map((stamp) => stamp?.publisher))).toEqual(new Set([9]));
    const sentMs = stamps.map((stamp) => stamp!.captureUs / 1_000);
    expect(Math.min(...steps(sentMs))).toBeGreaterThanOrEqual(0);
    const { timestampMs } = framesOf(played.tags).at(-1)!;
    const { encodedFrames, skippedFrames } = played.source.figures;
    // A busy machine may start ffmpeg late: up to a second is made good, the rest is skipped and counted.
    expect(Math.abs(sentMs.at(-1)! - sentMs[0]! - timestampMs)).toBeLessThan(1_200 + skippedFrames * 40);
    expect(encodedFrames).toBe(expected.copied ? null : framesOf(played.tags).length);
  });

  it('is what ffprobe finds, and ffmpeg decodes it over the seams without a complaint', async () => {
    const flv = flvOf(played.tags);
    const { streams, packets } = (await runFfprobe(['-show_streams', '-show_packets'], flv)) as Probed;
    expect(streams.find(({ codec_type }) => codec_type === 'video')).toMatchObject({
      codec_name: expected.video,
      width: 320,
      height: 180,
      avg_frame_rate: '25/1',
    });
    expect(streams.find(({ codec_type }) => codec_type === 'audio')).toMatchObject({
      codec_name: expected.audio,
    });
    const video = packets.filter(({ codec_type }) => codec_type === 'video');
    expect(video).toHaveLength(framesOf(played.tags).length);
    const pts = video.map(({ pts_time }) => Math.round(Number(pts_time) * 1_000)).sort((a, b) => a - b);
    // Cut off in mid-group, the last B-frames may be missing.
    expect(new Set(steps(pts.slice(0, -4)))).toEqual(new Set([40]));
    await runFfmpeg(['-f', 'flv', '-i', 'pipe:0', '-f', 'null', '-'], flv);
  });

  it('sends its headers once, first', () => {
    const kinds = played.tags.map(({ kind }) => kind);
    for (const kind of ['metadata', 'video-config', 'audio-config'] as const)
      expect(kinds.filter((each) => each === kind)).toHaveLength(1);
    expect(kinds.indexOf('key')).toBeLessThan(kinds.indexOf('inter'));
    expect(kinds.indexOf('video-config')).toBeLessThan(kinds.indexOf('key'));
    expect(kinds.indexOf('audio-config')).toBeLessThan(kinds.indexOf('audio'));
  });
});

describe('a file played as live', () => {
  it('may have sound only', async () => {
    const { tags, until, source } = play(at('sound.m4a'));
    await until(4_000);
    await source.stop();
    const audio = tags.filter(({ kind }) => kind === 'audio').map(({ timestampMs }) => timestampMs);
    expect(Math.min(...steps(audio))).toBeGreaterThan(0);
    expect(Math.max(...steps(audio))).toBeLessThanOrEqual(24);
  });

  it('with a damaged picture goes on: that one has no stamp, and no number is missing', async () => {
    const bytes = readFileSync(at('b-frames.mp4'));
    const { packets = [] } = await probeMedia(at('b-frames.mp4'), ['-show_packets', '-select_streams', 'v']);
    // The length of the packet's first NAL unit, which now reaches far beyond the file.
    bytes[Number((packets[20] as { pos?: string } | undefined)?.pos)] = 0x7f;
    writeFileSync(at('damaged.mp4'), bytes);
    const { tags, ended, until, source } = play(at('damaged.mp4'));
    await until(2_000);
    await source.stop();
    expect(ended).toEqual([]);
    const stamps = framesOf(tags).map((tag) => stampOf(tag)?.frame ?? null);
    expect(stamps[20]).toBeNull();
    const numbers = stamps.filter((frame) => frame !== null);
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect(numbers.length).toBeGreaterThan(40);
  });

  it('is not read further ahead than a few seconds', async () => {
    const { source, tags } = play(at('b-frames.mp4'));
    await vi.waitFor(() => expect(tags.length).toBeGreaterThan(50), { timeout: 10_000 });
    // Nothing asks for more than 5 times real time; ffmpeg alone would be at 100 times.
    expect(tags.at(-1)!.timestampMs).toBeLessThan(4_000);
    await source.stop();
  });

  it.each([
    ['no-such.mp4', /no-such\.mp4 cannot be played as live: there is no such file$/],
    ['.', /cannot be played as live: it is a folder$/],
    ['notes.txt', /^ffprobe cannot read .*notes\.txt: .*Invalid data found/],
    [
      'short.mp4',
      /short\.mp4 cannot be played as live: it lasts 200 ms, and 500 ms are the least that can be looped$/,
    ],
  ])('ends with one sentence if it cannot be: %s', async (name, sentence) => {
    const { ended } = play(at(name));
    await vi.waitFor(() => expect(ended).toHaveLength(1), { timeout: 10_000 });
    expect(ended[0]?.message).toMatch(sentence);
  });

  it('can be stopped at any moment, twice, and says nothing after that', async () => {
    for (const waitMs of [0, 50, 150, 400]) {
      const { source, ended, tags } = play(at('b-frames.mp4'));
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      await Promise.all([source.stop(), source.stop()]);
      const before = tags.length;
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(ended).toEqual([]);
      expect(tags).toHaveLength(before);
    }
  });
});
