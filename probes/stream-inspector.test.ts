import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FlvReader } from '../core/flv/reader.ts';
import { TAG_VIDEO } from '../core/media.ts';
import { INSPECTED_HEAD_BYTES, StreamInspector } from './stream-inspector.ts';

function inspector() {
  const samples: Record<string, number[]> = {};
  const clock = { ms: 0, nowMs: () => clock.ms, wallMs: () => clock.ms };
  const looked = new StreamInspector(clock, (metric, value) => {
    samples[metric] ??= [];
    samples[metric].push(value);
  });
  return { looked, samples, clock };
}

const key = Uint8Array.of(0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65);
const inter = Uint8Array.of(0x27, 1, 0, 0, 0, 0, 0, 0, 1, 0x41);

describe('the stream inspector', () => {
  it('finds in an ffmpeg file what ffprobe finds in it', () => {
    const { looked, samples } = inspector();
    new FlvReader(looked, { headBytes: INSPECTED_HEAD_BYTES }).push(
      readFileSync('core/flv/fixtures/h264-aac.flv'),
    );
    looked.finish();
    expect(looked.facts).toMatchObject({ videoCodec: 'h264', audioCodec: 'aac' });
    expect(looked.facts.picture).toMatchObject({
      width: looked.facts.declared.width,
      height: looked.facts.declared.height,
    });
    expect(samples['codec']).toEqual([1]);
    expect(looked.counts.keyFrames).toBeGreaterThan(0);
    expect(looked.complaints).toEqual([]);
  });

  it('measures GOP, key-frame interval and fps in their own times', () => {
    const { looked, samples, clock } = inspector();
    looked.sweep(0);
    for (let frame = 0; frame < 51; frame += 1) {
      clock.ms = frame * 50; // arrives at half speed
      const body = frame % 25 === 0 ? key : inter;
      looked.head(TAG_VIDEO, frame * 25, body.length, body, 0, body.length);
      looked.end();
      if (frame === 20) looked.sweep(1_000);
    }
    expect(samples['gop_ms']).toEqual([625, 625]);
    expect(samples['keyframe_interval_ms']).toEqual([1_250, 1_250]);
    expect(samples['fps']).toEqual([21]);
    expect(looked.counts).toMatchObject({
      videoFrames: 51,
      keyFrames: 3,
      mediaMs: 1_250,
      backwards: 0,
      gaps: 0,
    });
  });

  it('counts steps back and gaps, keeps them out of media time, and knows the 32-bit wrap from a step back', () => {
    const { looked, samples } = inspector();
    for (const timestampMs of [0, 40, 20, 60, 5_060, 5_100]) {
      looked.head(TAG_VIDEO, timestampMs, inter.length, inter, 0, inter.length);
      looked.end();
    }
    expect(samples['timestamp_backwards']).toEqual([1]);
    expect(samples['timestamp_gap_ms']).toEqual([5_000]);
    expect(looked.counts.mediaMs).toBe(120);
    const wrapping = inspector();
    for (const timestampMs of [0xffff_fff0, 24]) {
      wrapping.looked.head(TAG_VIDEO, timestampMs, inter.length, inter, 0, inter.length);
      wrapping.looked.end();
    }
    expect(wrapping.looked.counts).toMatchObject({ mediaMs: 40, backwards: 0, gaps: 0 });
  });

  it('reports a broken configuration as a finding and looks on', () => {
    const { looked } = inspector();
    const broken = Uint8Array.of(0x17, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9);
    looked.head(TAG_VIDEO, 0, broken.length, broken, 0, broken.length);
    looked.end();
    looked.head(TAG_VIDEO, 0, key.length, key, 0, key.length);
    looked.end();
    expect(looked.complaints).toHaveLength(1);
    expect(looked.complaints[0]).toMatch(/^AVCC_VERSION: /);
    expect(looked.counts.keyFrames).toBe(1);
  });
});
