import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { flvHeader, flvTag } from '../../core/flv/writer.ts';
import { runFfmpeg, runFfprobe } from '../../tests/kit/run-tool.ts';
import { recordTestcard } from './record-testcard.ts';
import { readRecording } from './recording.ts';
import { RecordingSource } from './recording-source.ts';
import type { SourceTag } from './source.ts';
import { type OnDue, TimeWheel } from './time-wheel.ts';

afterEach(() => vi.unstubAllEnvs());

/** Sends `forMs` of a replay at once, and gives it as FLV. */
function replay(flv: Uint8Array, forMs: number): { tags: SourceTag[]; file: Buffer } {
  const clock = { ms: 0, nowMs: () => clock.ms, wallMs: () => 1_794_000_000_000 + clock.ms };
  let next: { readonly dueMs: number; readonly onDue: OnDue } | null = null;
  const wheel = new (class extends TimeWheel {
    override at(dueMs: number, onDue: OnDue): void {
      next = { dueMs, onDue };
    }
  })(clock);
  const recording = readRecording(flv, 'the test card');
  const tags: SourceTag[] = [];
  const source = new RecordingSource({ recording, publisher: 1, clock, wheel });
  source.start({ tags: (due) => tags.push(...due), ended: () => {} });
  for (clock.ms = 0; clock.ms < forMs; clock.ms += 1) {
    const { dueMs, onDue }: { dueMs: number; onDue: OnDue } = next!;
    if (dueMs <= clock.ms) onDue(clock.ms, clock.wallMs());
  }
  const file = tags.map((tag) => flvTag({ ...tag, body: Buffer.concat(tag.pieces) }));
  return { tags, file: Buffer.concat([flvHeader(true, true), ...file]) };
}

interface Probed {
  readonly streams: readonly Record<string, unknown>[];
  readonly packets: readonly { codec_type: string; dts_time: string; flags: string }[];
}

describe('a recorded test card', () => {
  it('has the asked number of frames, key frames and bits, and is made faster than it lasts', async () => {
    const flv = await recordTestcard(
      { width: 320, height: 180, bitsPerSecond: 300_000, gopMs: 1_000 },
      3_500,
    );
    const { streams, packets } = (await runFfprobe(['-show_streams', '-show_packets'], flv)) as Probed;
    expect(streams).toHaveLength(2);
    const video = packets.filter(({ codec_type }) => codec_type === 'video');
    // Rounded up to whole groups.
    expect(video).toHaveLength(100);
    expect(video.flatMap(({ flags }, index) => (flags.startsWith('K') ? [index] : []))).toEqual([
      0, 25, 50, 75,
    ]);
    expect((flv.length * 8) / 4 / 300_000).toBeGreaterThan(0.8);
    expect((flv.length * 8) / 4 / 300_000).toBeLessThan(1.2);
  });

  it('is replayed without a seam: every frame and sound in step over three loops, decoded without a complaint', async () => {
    const flv = await recordTestcard({ width: 320, height: 180, bitsPerSecond: 200_000 });
    expect(readRecording(flv, 'the test card')).toMatchObject({ loopMs: 8_000, frames: 200 });
    const { file } = replay(flv, 20_000);
    await runFfmpeg(['-f', 'flv', '-i', 'pipe:0', '-f', 'null', '-'], file);
    const { packets } = (await runFfprobe(['-show_packets'], file)) as Probed;
    const steps = (type: string) => {
      const times = packets
        .filter(({ codec_type }) => codec_type === type)
        .map(({ dts_time }) => Number(dts_time));
      return new Set(times.slice(1).map((time, index) => Math.round((time - times[index]!) * 1_000)));
    };
    expect(steps('video')).toEqual(new Set([40]));
    expect([...steps('audio')].sort()).toEqual([21, 22]);
  });

  it('that cannot be made says why', async () => {
    await expect(recordTestcard({ fps: 1_000 })).rejects.toThrow('its frame rate is 1 to 120, not 1000');
    const folder = mkdtempSync(path.join(tmpdir(), 'sg-record-'));
    const failing = path.join(folder, 'failing');
    // Answers questions about itself, but cannot encode.
    writeFileSync(
      failing,
      '#!/bin/sh\ncase "$*" in *flv*) echo "no such device" >&2; exit 7;; esac\nexec ffmpeg "$@"\n',
    );
    chmodSync(failing, 0o755);
    vi.stubEnv('FFMPEG_PATH', failing);
    await expect(recordTestcard()).rejects.toThrow(
      /^ffmpeg \(encoding the test card\) exited with code 7: no such device\. /,
    );
    rmSync(folder, { recursive: true });
  });
});
