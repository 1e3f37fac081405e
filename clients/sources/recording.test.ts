import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { flvHeader, flvTag } from '../../core/flv/writer.ts';
import { TAG_AUDIO, TAG_VIDEO } from '../../core/media.ts';
import { findStamp } from '../../core/stamp/stamp.ts';
import { runFfmpeg, runFfprobe } from '../../tests/kit/run-tool.ts';
import { type Recording, readRecording } from './recording.ts';
import { RecordingSource } from './recording-source.ts';
import type { SourceTag } from './source.ts';
import { type OnDue, TimeWheel } from './time-wheel.ts';

const flv = readFileSync('core/flv/fixtures/h264-aac.flv');

/** A wheel that the test turns, and a clock that goes with it. */
class HandWheel extends TimeWheel {
  readonly clock: { ms: number; nowMs(): number; wallMs(): number };
  readonly asked: number[] = [];
  #due: { readonly dueMs: number; readonly onDue: OnDue }[] = [];
  constructor() {
    const clock = { ms: 1_000, nowMs: () => clock.ms, wallMs: () => 1_700_000_000_000 + clock.ms };
    super(clock);
    this.clock = clock;
  }
  get waiting(): number {
    return this.#due.length;
  }
  override at(dueMs: number, onDue: OnDue): void {
    this.asked.push(dueMs);
    this.#due.push({ dueMs, onDue });
  }
  override remove(onDue: OnDue): void {
    this.#due = this.#due.filter((entry) => entry.onDue !== onDue);
  }
  run(forMs: number, stepMs = 20): void {
    const endMs = this.clock.ms + forMs;
    while (this.clock.ms < endMs) {
      this.clock.ms += stepMs;
      const due = this.#due.filter(({ dueMs }) => dueMs <= this.clock.ms);
      this.#due = this.#due.filter(({ dueMs }) => dueMs > this.clock.ms);
      for (const { onDue } of due) onDue(this.clock.ms, this.clock.wallMs());
    }
  }
}

function replay(recording: Recording, forMs: number, phaseMs = 0, stepMs = 20) {
  const wheel = new HandWheel();
  const tags: SourceTag[] = [];
  const batches: number[] = [];
  const source = new RecordingSource({ recording, publisher: 7, clock: wheel.clock, wheel, phaseMs });
  source.start({
    tags: (due) => {
      tags.push(...due);
      batches.push(due.length);
    },
    ended: () => {},
  });
  wheel.run(forMs, stepMs);
  return { tags, source, wheel, batches };
}

const bodyOf = ({ pieces }: SourceTag): Uint8Array => Buffer.concat(pieces);
const videoOf = (tags: SourceTag[]) => tags.filter(({ kind }) => kind === 'key' || kind === 'inter');
function stampOf(tag: SourceTag) {
  const stamp = { publisher: 0, frame: 0, captureUs: 0 };
  const body = bodyOf(tag);
  return findStamp(body, 5, body.length, 4, 'h264', stamp) ? stamp : null;
}

describe('a replayed recording', () => {
  const recording = readRecording(flv, 'h264-aac.flv');

  it('sends the headers, then every frame once per loop at its time, continuous over loops', () => {
    const { tags } = replay(recording, recording.loopMs * 3);
    expect(
      tags
        .slice(0, 3)
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['audio-config', 'metadata', 'video-config']);
    const video = videoOf(tags);
    expect(video.length).toBeGreaterThanOrEqual(recording.frames * 3 - 1);
    const steps = video.slice(1).map(({ timestampMs }, index) => timestampMs - video[index]!.timestampMs);
    const frameMs = recording.loopMs / recording.frames;
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(Math.floor(frameMs) - 1);
    expect(Math.max(...steps)).toBeLessThanOrEqual(Math.ceil(frameMs) + 1);
    const all = tags.slice(3).map(({ timestampMs }) => timestampMs);
    expect(all).toEqual([...all].sort((a, b) => a - b));
  });

  it('stamps each picture with the moment at which it is due, however late it is sent, numbered without a gap', () => {
    const { tags } = replay(recording, recording.loopMs * 2, 0, 33);
    const video = videoOf(tags);
    const stamps = video.map(stampOf);
    expect(stamps.map((stamp) => stamp?.frame)).toEqual(stamps.map((_, index) => index));
    expect(new Set(stamps.map((stamp) => stamp?.publisher))).toEqual(new Set([7]));
    const captures = stamps.map((stamp) => stamp!.captureUs);
    expect(captures).toEqual(
      video.map(({ timestampMs }) => (1_700_000_000_000 + 1_000 + timestampMs) * 1_000),
    );
  });

  it('sends sound together with the next picture, and no picture waits for sound', () => {
    const at = (type: typeof TAG_VIDEO | typeof TAG_AUDIO, timestampMs: number, ...body: number[]) =>
      flvTag({ type, timestampMs, body: Uint8Array.of(...body) });
    const video = (frame: number) =>
      at(TAG_VIDEO, frame * 40, frame % 25 === 0 ? 0x17 : 0x27, 1, 0, 0, 0, 0, 0, 0, 2, 0x65, 0x80);
    const tags25 = Array.from({ length: 50 }, (_, frame) => video(frame));
    const sound = Array.from({ length: 94 }, (_, frame) =>
      at(TAG_AUDIO, Math.round((frame * 64) / 3), 0xaf, 1, 7),
    );
    const even = readRecording(Buffer.concat([flvHeader(true, true), ...tags25, ...sound]), 'even');
    const { tags, wheel, batches } = replay(even, 6_000, 0, 1);
    const pictures = videoOf(tags);
    expect(pictures.length).toBe(151);
    expect(tags.filter(({ kind }) => kind === 'audio').length).toBeGreaterThan(280);
    // The headers go first.
    expect(batches.length - 1).toBe(pictures.length);
    for (const { timestampMs } of pictures) expect(wheel.asked).toContain(1_000 + timestampMs);
  });

  it('gives no number to what takes no stamp, because viewers would miss it', () => {
    const fillerOnly = flvTag({
      type: TAG_VIDEO,
      timestampMs: recording.loopMs - 1,
      body: Uint8Array.of(0x27, 1, 0, 0, 0, 0, 0, 0, 2, 12, 0x80),
    });
    const withFiller = readRecording(Buffer.concat([flv, fillerOnly]), 'with filler');
    const stamps = videoOf(replay(withFiller, withFiller.loopMs * 2).tags).map(stampOf);
    expect(stamps.filter((stamp) => stamp === null).length).toBeGreaterThan(0);
    const numbers = stamps.flatMap((stamp) => stamp?.frame ?? []);
    expect(numbers).toEqual(numbers.map((_, index) => index));
  });

  it('leaves the recording as it is: many publishers share it', () => {
    const before = recording.entries.map(({ body }) => Buffer.from(body).toString('base64'));
    replay(recording, recording.loopMs);
    replay(recording, recording.loopMs, 300);
    expect(recording.entries.map(({ body }) => Buffer.from(body).toString('base64'))).toEqual(before);
  });

  it('begins elsewhere with a phase, but always at a key frame and at timestamp 0', () => {
    for (const phaseMs of [0, 1, recording.loopMs - 1, recording.loopMs * 5 + 3]) {
      const first = videoOf(replay(recording, 500, phaseMs).tags)[0]!;
      expect([first.kind, first.timestampMs]).toEqual(['key', 0]);
    }
  });

  it('skips what a long pause missed instead of sending it in one burst, and counts it', () => {
    const { tags, source, wheel } = replay(recording, 400);
    const before = tags.length;
    wheel.clock.ms += 60_000;
    wheel.run(40);
    expect(tags.length - before).toBeLessThan(20);
    expect(source.figures.skippedFrames).toBeGreaterThan(60);
    const video = videoOf(tags);
    expect(video.at(-1)!.timestampMs).toBeLessThan(2_000);
  });

  it('sends nothing more once it is stopped', async () => {
    const { tags, source, wheel } = replay(recording, 200);
    await source.stop();
    const before = tags.length;
    wheel.run(1_000);
    expect(tags).toHaveLength(before);
    expect(wheel.waiting).toBe(0);
  });

  it('is decoded by ffmpeg without an error, loops and stamps included', async () => {
    const { tags } = replay(recording, recording.loopMs * 3);
    const file = Buffer.concat([
      flvHeader(true, true),
      ...tags.map((tag) => flvTag({ ...tag, body: bodyOf(tag) })),
    ]);
    // Rejects when ffmpeg has anything to complain of.
    await runFfmpeg(['-i', 'pipe:0', '-f', 'null', '-'], file);
    const probed = (await runFfprobe(
      ['-count_packets', '-select_streams', 'v', '-show_entries', 'stream=nb_read_packets'],
      file,
    )) as {
      streams: { nb_read_packets: string }[];
    };
    expect(Number(probed.streams[0]?.nb_read_packets)).toBe(videoOf(tags).length);
  });

  it('refuses what cannot be replayed, by name', () => {
    expect(() => readRecording(flvHeader(true, true), 'empty.flv')).toThrow(
      /^empty\.flv has no audio or video/,
    );
    expect(() => readRecording(Buffer.from('GIF89a, no FLV at all'), 'picture.gif')).toThrow(/FLV/);
    const inter = flvTag({
      type: TAG_VIDEO,
      timestampMs: 0,
      body: Uint8Array.of(0x27, 1, 0, 0, 0, 0, 0, 0, 1, 0x41),
    });
    expect(() => readRecording(Buffer.concat([flvHeader(false, true), inter]), 'keyless.flv')).toThrow(
      /^keyless\.flv has no key frame/,
    );
  });

  it('reads the same whether frames were stamped before or not', () => {
    const tags = replay(recording, recording.loopMs + 100).tags.slice(0, 3 + recording.entries.length);
    const stamped = Buffer.concat([
      flvHeader(true, true),
      ...tags.map((tag) => flvTag({ ...tag, body: bodyOf(tag) })),
    ]);
    const again = readRecording(stamped, 'again.flv');
    expect(again.entries.map(({ body }) => body.length)).toEqual(
      recording.entries.map(({ body }) => body.length),
    );
  });
});
