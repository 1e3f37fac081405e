import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readVideoHead, videoHead } from '../../core/flv/video-head.ts';
import { flvHeader, flvTag } from '../../core/flv/writer.ts';
import { readCells } from '../../core/stamp/cells.ts';
import { findStamp, type Stamp } from '../../core/stamp/stamp.ts';
import { runFfmpeg, runFfprobe, runToEnd } from '../../tests/kit/run-tool.ts';
import { systemClock } from '../system-clock.ts';
import type { SourceTag } from './source.ts';
import { TestcardSource } from './testcard.ts';
import type { TestcardParameters } from './testcard-parameters.ts';

// With the real ffmpeg, and judged by it: what ffprobe and a decoder find must be what we say of the stream.

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sg-testcard-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const running: TestcardSource[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const source of running.splice(0)) await source.stop();
});

interface Filmed {
  readonly tags: SourceTag[];
  /** Milliseconds from the capture of each frame until its tag came out. */
  readonly lagsMs: number[];
  readonly ended: (Error | null)[];
  readonly source: TestcardSource;
  until(frames: number): Promise<void>;
}

function film(parameters: Partial<TestcardParameters> = {}): Filmed {
  const source = new TestcardSource({ parameters, publisher: 42, clock: systemClock, label: 'live/test' });
  running.push(source);
  const tags: SourceTag[] = [];
  const lagsMs: number[] = [];
  const ended: (Error | null)[] = [];
  source.start({
    tags: (due) => {
      const nowMs = systemClock.wallMs();
      for (const tag of due) {
        tags.push(tag);
        if (tag.captureMs !== undefined) lagsMs.push(nowMs - tag.captureMs);
      }
    },
    ended: (error) => ended.push(error),
  });
  const until = (frames: number) =>
    vi.waitFor(
      () => {
        if (ended.length === 0) expect(lagsMs.length).toBeGreaterThanOrEqual(frames);
      },
      { timeout: 20_000, interval: 20 },
    );
  return { tags, lagsMs, ended, source, until };
}

const bodyOf = ({ pieces }: SourceTag): Buffer => Buffer.concat(pieces);
const framesOf = (tags: readonly SourceTag[]) =>
  tags.filter(({ kind }) => kind === 'key' || kind === 'inter');
const flvOf = (tags: readonly SourceTag[]): Buffer =>
  Buffer.concat([flvHeader(true, true), ...tags.map((tag) => flvTag({ ...tag, body: bodyOf(tag) }))]);

/** Presentation time and stamp of each frame, in the order in which they are shown. */
function shown(tags: readonly SourceTag[]): { ptsMs: number; stamp: Stamp }[] {
  const head = videoHead();
  return framesOf(tags)
    .map((tag) => {
      const body = bodyOf(tag);
      const stamp = { publisher: 0, frame: 0, captureUs: 0 };
      expect(readVideoHead(body, 0, body.length, head)).toBe(true);
      expect(findStamp(body, head.dataOffset, body.length, 4, 'h264', stamp)).toBe(true);
      return { ptsMs: tag.timestampMs + head.compositionMs, stamp };
    })
    .sort((a, b) => a.ptsMs - b.ptsMs);
}

/** The stamps that a decoder sees in the pictures. */
async function cellsOf(tags: readonly SourceTag[], width: number, height: number): Promise<(Stamp | null)[]> {
  const raw = await runFfmpeg(
    ['-f', 'flv', '-i', 'pipe:0', '-map', '0:v', '-fps_mode', 'passthrough', '-f', 'rawvideo', '-'],
    flvOf(tags),
  );
  const bytes = (width * height * 3) / 2;
  return Array.from({ length: raw.length / bytes }, (_, index) =>
    readCells(raw.subarray(index * bytes, index * bytes + width * height), width, width, height),
  );
}

/** Frame numbers of our stamps as ffmpeg's own reader of SEI messages sees them, in coded order. */
async function frameNumbersByFfmpeg(tags: readonly SourceTag[]): Promise<number[]> {
  const { stderr } = await runToEnd(
    'ffmpeg',
    [
      '-v',
      'trace',
      '-f',
      'flv',
      '-i',
      'pipe:0',
      '-map',
      '0:v',
      '-c',
      'copy',
      '-bsf:v',
      'trace_headers',
      '-f',
      'null',
      '-',
    ],
    flvOf(tags),
  );
  const numbers: number[] = [];
  let bytes: number[] = [];
  for (const [, name, value] of stderr.matchAll(
    /\] \d+ +(uuid_iso_iec_11578|user_data_payload_byte|rbsp_stop_one_bit)(?:\[\d+\])? +[01]+ = (\d+)$/gm,
  )) {
    if (name !== 'rbsp_stop_one_bit') {
      bytes.push(Number(value));
      continue;
    }
    // Our UUID, then version 1, publisher 5, frame 5: seven bits to a byte.
    if (bytes[0] === 0xc5 && bytes[1] === 0xf1 && bytes.length > 27)
      numbers.push(bytes.slice(22, 27).reduce((sum, byte) => sum * 128 + (byte & 0x7f), 0));
    bytes = [];
  }
  return numbers;
}

interface Probed {
  readonly streams: readonly Record<string, unknown>[];
  readonly packets: readonly { codec_type: string; pts_time: string; dts_time: string; flags: string }[];
}

describe.each([
  { name: 'the default', parameters: {}, profile: 'High', bFrames: 0 },
  { name: 'B-frames', parameters: { bFrames: 2, gopMs: 1_000 }, profile: 'High', bFrames: 2 },
  {
    name: '30 fps of baseline, key frames every 0.5 s',
    parameters: { fps: 30, gopMs: 500, profile: 'baseline' as const, bitsPerSecond: 400_000 },
    profile: 'Constrained Baseline',
    bFrames: 0,
  },
])('the synthetic camera, $name', ({ parameters, profile, bFrames }) => {
  let filmed: Filmed;
  const fps = parameters.fps ?? 25;
  beforeAll(async () => {
    filmed = film(parameters);
    await filmed.until(70);
    await filmed.source.stop();
  });

  it('is what ffprobe finds: codecs, size, rate, and every frame at its time', async () => {
    const { streams, packets } = (await runFfprobe(
      ['-show_streams', '-show_packets'],
      flvOf(filmed.tags),
    )) as Probed;
    expect(streams.find(({ codec_type }) => codec_type === 'video')).toMatchObject({
      codec_name: 'h264',
      profile,
      width: 640,
      height: 360,
      pix_fmt: 'yuv420p',
      r_frame_rate: `${fps}/1`,
      avg_frame_rate: `${fps}/1`,
      has_b_frames: bFrames > 0 ? expect.any(Number) : 0,
    });
    expect(streams.find(({ codec_type }) => codec_type === 'audio')).toMatchObject({
      codec_name: 'aac',
      profile: 'LC',
      sample_rate: '48000',
      channels: 2,
    });
    const video = packets.filter(({ codec_type }) => codec_type === 'video');
    expect(video).toHaveLength(framesOf(filmed.tags).length);
    // Each frame is shown at a whole number of intervals after the first, rounded to the milliseconds of FLV; those
    // that a busy machine made us skip are missing, and no others.
    const pts = video.map(({ pts_time }) => Number(pts_time) * 1_000).sort((a, b) => a - b);
    const slots = pts.map((ptsMs) => ((ptsMs - pts[0]!) * fps) / 1_000);
    for (const slot of slots)
      expect(Math.abs(slot - Math.round(slot)) * (1_000 / fps)).toBeLessThanOrEqual(1);
    const { encodedFrames, skippedFrames } = filmed.source.figures;
    expect(encodedFrames).toBe(video.length);
    const missing = Math.round(slots.at(-1)!) + 1 - slots.length;
    expect(missing).toBeLessThanOrEqual(skippedFrames + bFrames);
    expect(missing).toBeGreaterThanOrEqual(Math.min(skippedFrames, 1));
    expect(skippedFrames).toBeLessThan(10);
  });

  it('has its key frames where asked, and nowhere else', async () => {
    const gopFrames = ((parameters.gopMs ?? 2_000) * fps) / 1_000;
    const keys = framesOf(filmed.tags).flatMap(({ kind }, index) => (kind === 'key' ? [index] : []));
    expect(keys).toEqual(Array.from({ length: keys.length }, (_, index) => index * gopFrames));
    expect(keys.length).toBeGreaterThanOrEqual(2);
    const { packets } = (await runFfprobe(
      ['-show_packets', '-select_streams', 'v'],
      flvOf(filmed.tags),
    )) as Probed;
    expect(packets.flatMap(({ flags }, index) => (flags.startsWith('K') ? [index] : []))).toEqual(keys);
  });

  it('stamps each frame with its own number and capture time: those in the decoded picture', async () => {
    const stamps = shown(filmed.tags).map(({ stamp }) => stamp);
    // Stopped amid a group, the encoder still had the B-frames before the last frame.
    const whole = stamps.slice(0, stamps.length - bFrames - 1);
    expect(whole.map(({ frame }) => frame)).toEqual(whole.map((_, index) => index));
    expect(new Set(stamps.map(({ publisher }) => publisher))).toEqual(new Set([42]));
    expect(await cellsOf(filmed.tags, 640, 360)).toEqual(stamps);
  });

  it('stamps in a way that ffmpeg reads alike', async () => {
    const coded = framesOf(filmed.tags).map((tag) => {
      const body = bodyOf(tag);
      const stamp = { publisher: 0, frame: 0, captureUs: 0 };
      findStamp(body, 5, body.length, 4, 'h264', stamp);
      return stamp.frame;
    });
    if (bFrames > 0) expect(coded).not.toEqual([...coded].sort((a, b) => a - b));
    expect(await frameNumbersByFfmpeg(filmed.tags)).toEqual(coded);
  });

  it('captures a frame per interval, in step with its timestamps, which have no gap', () => {
    const frames = shown(filmed.tags);
    // The first frame waits for ffmpeg to start.
    const [, second] = frames;
    for (const { ptsMs, stamp } of frames.slice(1)) {
      const capturedMs = (stamp.captureUs - second!.stamp.captureUs) / 1_000;
      // Within its slot, and with room for a busy machine's late timers; drift would add up to more.
      expect(Math.abs(capturedMs - (ptsMs - second!.ptsMs))).toBeLessThan(1_000 / fps + 20);
    }
    const audioMs = filmed.tags.filter(({ kind }) => kind === 'audio').map(({ timestampMs }) => timestampMs);
    const steps = audioMs.slice(1).map((timeMs, index) => timeMs - audioMs[index]!);
    // 1,024 samples of 48 kHz.
    expect(new Set(steps)).toEqual(new Set([21, 22]));
    const codedMs = framesOf(filmed.tags).map(({ timestampMs }) => timestampMs);
    expect(codedMs).toEqual([...new Set(codedMs)].sort((a, b) => a - b));
  });

  it('begins with its headers and then with a key frame', () => {
    const kinds = filmed.tags.map(({ kind }) => kind);
    const firstVideo = kinds.findIndex((kind) => kind === 'key' || kind === 'inter');
    expect(kinds[firstVideo]).toBe('key');
    expect(kinds.slice(0, firstVideo)).toEqual(
      expect.arrayContaining(['metadata', 'video-config', 'audio-config']),
    );
  });

  it('gives a frame out soon after it was captured', () => {
    const sorted = filmed.lagsMs.slice(1).sort((a, b) => a - b);
    // About 10 ms here without B-frames; the bound is for a busy machine.
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(150 + bFrames * 50);
    expect(sorted[0]).toBeGreaterThan(0);
  });
});

describe('the synthetic camera', () => {
  it('beeps when its beat is white', async () => {
    const { tags, source, until } = film();
    await until(70);
    await source.stop();
    const { ptsMs: pictureStartMs } = shown(tags)[0]!;
    const rate = 48_000;
    const sound = await runFfmpeg(
      ['-f', 'flv', '-i', 'pipe:0', '-map', '0:a', '-ac', '1', '-ar', String(rate), '-f', 's16le', '-'],
      flvOf(tags),
    );
    const soundStartMs = tags.find(({ kind }) => kind === 'audio')!.timestampMs;
    const samples = new Int16Array(sound.buffer, sound.byteOffset, sound.length >> 1);
    // The beep is four times as high as the tone: many more changes of sign in a window of 5 ms.
    const window = rate / 200;
    const changes = Array.from({ length: Math.floor(samples.length / window) }, (_, index) => {
      const part = samples.subarray(index * window, (index + 1) * window);
      return part.reduce((sum, sample, at) => sum + (at > 0 && sample < 0 !== part[at - 1]! < 0 ? 1 : 0), 0);
    });
    const beepsMs = changes.flatMap((count, index) =>
      count >= 10 && (changes[index - 1] ?? 0) < 10 ? [soundStartMs + index * 5 - pictureStartMs] : [],
    );
    // Each second, however many there are: a busy machine makes fewer pictures a second. The first beep is in the
    // encoder's fade-in.
    const endMs = soundStartMs + changes.length * 5 - pictureStartMs;
    const seconds = Array.from({ length: Math.floor((endMs - 50) / 1_000) }, (_, index) => index + 1);
    expect(seconds.length).toBeGreaterThanOrEqual(2);
    const beeps = beepsMs.filter((beepMs) => beepMs > 500);
    expect(beeps.map((beepMs) => Math.round(beepMs / 1_000)).slice(0, seconds.length)).toEqual(seconds);
    for (const beepMs of beeps)
      expect(Math.abs(beepMs - Math.round(beepMs / 1_000) * 1_000)).toBeLessThanOrEqual(10);
  });

  it('reaches the bitrate that was asked for', async () => {
    await Promise.all(
      [300_000, 2_000_000].map(async (bitsPerSecond) => {
        const { tags, source, until } = film({ bitsPerSecond });
        await until(125);
        await source.stop();
        const frames = framesOf(tags);
        const from = frames[25]!.timestampMs;
        const to = frames[124]!.timestampMs;
        const bytes = tags
          .filter(({ timestampMs, kind }) => timestampMs >= from && timestampMs < to && kind !== 'metadata')
          .reduce((sum, tag) => sum + bodyOf(tag).length, 0);
        const bps = (bytes * 8_000) / (to - from);
        expect(bps / bitsPerSecond).toBeGreaterThan(0.85);
        expect(bps / bitsPerSecond).toBeLessThan(1.15);
      }),
    );
  });

  it('skips pictures while the encoder stands still, counts them, and is right after that', async () => {
    // In place of ffmpeg: itself, telling its process number.
    const pidFile = path.join(folder, 'pid');
    const standIn = path.join(folder, 'ffmpeg-with-pid');
    writeFileSync(standIn, `#!/bin/sh\necho $$ > ${pidFile}\nexec ffmpeg "$@"\n`);
    chmodSync(standIn, 0o755);
    vi.stubEnv('FFMPEG_PATH', standIn);
    const { tags, lagsMs, source, until } = film();
    await until(20);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    process.kill(pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 600));
    process.kill(pid, 'SIGCONT');
    await until(60);
    await source.stop();
    const { skippedFrames } = source.figures;
    // 15 slots went by; one or two pictures were already in the pipe.
    expect(skippedFrames).toBeGreaterThanOrEqual(8);
    expect(skippedFrames).toBeLessThanOrEqual(30);
    const frames = shown(tags);
    expect(await cellsOf(tags, 640, 360)).toEqual(frames.map(({ stamp }) => stamp));
    const lastMs = frames.at(-1)!.ptsMs - frames[0]!.ptsMs;
    // The hole is in the timestamps: media time has not fallen behind real time.
    expect(lastMs).toBeCloseTo((frames.length - 1 + skippedFrames) * 40, -1);
    expect(lagsMs.at(-1)).toBeLessThan(150);
  });

  it('tells when ffmpeg dies, once', async () => {
    const pidFile = path.join(folder, 'pid-2');
    const standIn = path.join(folder, 'ffmpeg-with-pid-2');
    writeFileSync(standIn, `#!/bin/sh\necho $$ > ${pidFile}\nexec ffmpeg "$@"\n`);
    chmodSync(standIn, 0o755);
    vi.stubEnv('FFMPEG_PATH', standIn);
    const { ended, until, source } = film();
    await until(5);
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
    await vi.waitFor(() => expect(ended).toHaveLength(1), { timeout: 5_000 });
    expect(ended[0]?.message).toMatch(/^ffmpeg \(encoding the test card\) was killed with signal SIGKILL/);
    await source.stop();
    expect(ended).toHaveLength(1);
  });

  it('says what to type when ffmpeg is missing', async () => {
    vi.stubEnv('FFMPEG_PATH', '');
    vi.stubEnv('PATH', folder);
    const { ended } = film();
    await vi.waitFor(() => expect(ended).toHaveLength(1));
    expect(ended[0]?.message).toMatch(/^ffmpeg is needed and not on PATH: /);
  });

  it('can be stopped at any moment, twice, and says nothing after that', async () => {
    for (const waitMs of [0, 30, 100, 200]) {
      const { source, ended, tags } = film();
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      await Promise.all([source.stop(), source.stop()]);
      const before = tags.length;
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(ended).toEqual([]);
      expect(tags).toHaveLength(before);
    }
  });

  it('refuses what cannot be made before anything is started', () => {
    expect(() => film({ width: 641 })).toThrow('the test card cannot be made: its width is an even number');
  });
});
